#compdef paraductl
# Completion of paraductl for zsh: asks the program itself what can stand at the cursor.
_paraductl() {
  local -a answer words_before
  words_before=("${(@Q)words[2,CURRENT-1]}")
  answer=("${(@f)$(@PROGRAM@ --complete zsh "${words_before[@]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  [[ $PREFIX == --*=* ]] && compset -P '*='
  case $answer[1] in
    files) _files ;;
    directories) _files -/ ;;
    *) answer=("${(@)answer[2,-1]}"); (( $#answer )) && _describe -t values value answer ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _paraductl "$@"; else compdef _paraductl paraductl; fi

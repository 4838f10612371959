# Completion of paraductl for bash: asks the program itself what can stand at the cursor.
_paraductl() {
  local -a answer
  mapfile -t answer < <(@PROGRAM@ --complete bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
  COMPREPLY=("${answer[@]:1}")
  case ${answer[0]-} in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
  esac
}
complete -F _paraductl paraductl

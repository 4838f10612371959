# Completion of paraductl for fish: asks the program itself what can stand at the cursor.
function __paraductl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (@PROGRAM@ --complete fish $words[2..-1] $current 2>/dev/null </dev/null)
    set -l option (string match --regex -- '^--[^=]*=' $current)
    set -l path (string replace --regex -- '^--[^=]*=' '' $current)
    switch "$answer[1]"
        case files
            __fish_complete_path $path | string replace --regex -- '^' "$option"
        case directories
            __fish_complete_directories $path | string replace --regex -- '^' "$option"
        case '*'
            test (count $answer) -gt 1; and string join -- \n $answer[2..-1]
    end
end
complete -c paraductl -f -a '(__paraductl_complete)'

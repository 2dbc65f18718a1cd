# SPDX-License-Identifier: MIT
# Completion for fish. What can stand where, the program tells: see the one for bash.
function __plastiq_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l found (printf '%s\n' $before[2..] "$current" | command plastiq complete 2>/dev/null)
    set -l flag (string match -r -- '^--[^=]*=' "$current")
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    switch "$found[1]"
        case :files
            printf "$flag%s\n" (__fish_complete_path "$path")
        case :dirs
            printf "$flag%s\n" (__fish_complete_directories "$path" '')
        case '*'
            printf '%s\n' $found
    end
end
complete -c plastiq -f -a '(__plastiq_complete)'

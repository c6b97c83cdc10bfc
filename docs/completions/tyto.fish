# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tyto_global_optspecs
    string join \n v/verbose q/quiet log= h/help V/version
end

function __fish_tyto_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tyto_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tyto_using_subcommand
    set -l cmd (__fish_tyto_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tyto -n "__fish_tyto_needs_command" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_needs_command" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_needs_command" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_needs_command" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_needs_command" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "run" -d 'Serve direction-of-sound events until stopped: the daemon'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "replay" -d 'Play a clip through the daemon\'s pipeline and print what it hears'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "locate" -d 'Find what sounds in one picture and one sound, or in every row of a manifest'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "eval" -d 'Score a model pack, or any other system\'s maps, by the field\'s protocols'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "check" -d 'Check configuration, board profile and model pack, with a trial run of both encoders'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "bench" -d 'Measure what each part of a look costs here, on every engine'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "calibrate" -d 'Measure the camera\'s delay from claps that are seen and heard'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "config" -d 'Print the configuration that is in force, and where it was read from'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "watch" -d 'Show what a running daemon hears: a table on a terminal, JSON lines elsewhere'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "status" -d 'Say how a running daemon is doing: for people, as JSON, or for Prometheus'
complete -c tyto -n "__fish_tyto_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tyto -n "__fish_tyto_using_subcommand run" -l source -d 'Where pictures and sound come from: devices (camera and microphone), or clip:PATH (a file for ffmpeg, or a folder with pictures and one WAV) [default: devices]' -r
complete -c tyto -n "__fish_tyto_using_subcommand run" -l socket -d 'Serve subscribers at this socket' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand run" -l config -d 'Configuration file [default: /etc/tyto/tyto.toml if it is there]' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand run" -l board -d 'Board profile: its name, or the path of its file' -r
complete -c tyto -n "__fish_tyto_using_subcommand run" -l model -d 'Model pack: its name, or its folder' -r
complete -c tyto -n "__fish_tyto_using_subcommand run" -l engine -d 'What runs the encoders: tract; or tflite or onnxruntime, which need their libraries' -r
complete -c tyto -n "__fish_tyto_using_subcommand run" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand run" -l repeat -d 'Begin the clip again at its end'
complete -c tyto -n "__fish_tyto_using_subcommand run" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand run" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand run" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand run" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l socket -d 'Serve subscribers at this socket meanwhile' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l overlay -d 'Draw what was found over the pictures: an mp4 file, or a folder for PNG files' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l hfov -d 'Horizontal field of view of the camera that took the clip, degrees' -r
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l config -d 'Configuration file [default: /etc/tyto/tyto.toml if it is there]' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l board -d 'Board profile: its name, or the path of its file' -r
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l model -d 'Model pack: its name, or its folder' -r
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l engine -d 'What runs the encoders: tract; or tflite or onnxruntime, which need their libraries' -r
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l fast -d 'As fast as it goes instead of in real time; the events are the same each time'
complete -c tyto -n "__fish_tyto_using_subcommand replay" -l json -d 'Print the events as JSON, one a line'
complete -c tyto -n "__fish_tyto_using_subcommand replay" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand replay" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand replay" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand replay" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l overlay -d 'Draw what was found onto the picture and write it here' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l hfov -d 'Horizontal field of view of the picture in degrees [default: the board\'s]' -r
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l manifest -d 'Look at every row of this file: JSON lines with "id", "image", "audio", paths relative to it' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l out -d 'Where the rows of the manifest are answered, in their order; - is standard output' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l config -d 'Configuration file [default: /etc/tyto/tyto.toml if it is there]' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l board -d 'Board profile: its name, or the path of its file' -r
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l model -d 'Model pack: its name, or its folder' -r
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l engine -d 'What runs the encoders: tract; or tflite or onnxruntime, which need their libraries' -r
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand locate" -l map -d 'Add the similarity map of each source'
complete -c tyto -n "__fish_tyto_using_subcommand locate" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand locate" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand locate" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand locate" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l protocol -d 'What is asked, of which data set: one of the protocols below' -r -f -a "manifest\t'where it is, which of several it is, whether it is there'
mixtures\t'two sounds at once over a picture of both'
retrieval\t'the picture of a sound and the sound of a picture'
vggss\t'VGG-SS'
vggss-extended\t'VGG-SS with silent and off-screen sounds'
flickr\t'Flickr-SoundNet, consensus of annotators'
flickr-extended\t'the same with off-screen sounds'
is3\t'IS3, two sources a picture'
vpo\t'VPO'
ms3\t'AVSBench, several sources'
s4\t'AVSBench, one source'
music-solo\t'MUSIC-Solo'
music-duet\t'MUSIC-Duet, two sources in one picture'
vggsound-duet\t'two VGG-SS clips at once, side by side'
vggsound-instruments\t'VGGSound-Instruments, masks'
vggsound-instruments-multi\t'two of them at once, side by side'"
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l annotations -l data -d 'The data set\'s own annotations, as the protocols below name them' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l list -d 'A list that goes with the annotations, as the protocols below name it' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l media -d 'Folders with the pictures, sounds and masks, however deep; a manifest also looks beside itself' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l predictor -d 'What is measured: the model pack, or a floor or the ceiling alone, which need no media' -r -f -a "pack\t'The model pack, through the same looks as `tyto locate`'
centre\t'A centred disc of half the picture\'s area'
full\t'The whole picture'
oracle\t'The truth itself'"
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l pred -d 'Measure these maps instead: JSON lines with "id" and "map", or a folder of ID.npy' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l reading -d 'How several maps are matched to several sources: one of the readings below' -r -f -a "frame-wise\t'whole canvas, cut at the median, Hungarian matching (default)'
class-aware\t'cut at a share of the maximum, mean over an item\'s sources (DSOL)'
absolute\t'cosines cut at a fixed score (AVGN)'
score\t'stretched map cut at a score, mean cIoU reported (T-VSL)'
halves\t'each picture apart, cut at its median, matched greedily (NoPrior)'"
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l threshold -d 'Score at which maps are cut, for a reading that has one or for --negative-audio' -r
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l json -d 'Write the report as JSON; - is standard output, instead of Markdown' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l markdown -d 'Write the report as Markdown here instead of to standard output' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l sheet -d 'Draw the best and the worst cases' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l cases -d 'How many of each the sheet shows' -r
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l config -d 'Configuration file [default: /etc/tyto/tyto.toml if it is there]' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l board -d 'Board profile: its name, or the path of its file' -r
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l model -d 'Model pack: its name, or its folder' -r
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l engine -d 'What runs the encoders: tract; or tflite or onnxruntime, which need their libraries' -r
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand eval" -l negative-audio -d 'Measure how the maps answer silence, noise and other items\' sounds instead'
complete -c tyto -n "__fish_tyto_using_subcommand eval" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand eval" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand eval" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tyto -n "__fish_tyto_using_subcommand eval" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand check" -l seconds -d 'End --tap after so many seconds' -r
complete -c tyto -n "__fish_tyto_using_subcommand check" -l config -d 'Configuration file [default: /etc/tyto/tyto.toml if it is there]' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand check" -l board -d 'Board profile: its name, or the path of its file' -r
complete -c tyto -n "__fish_tyto_using_subcommand check" -l model -d 'Model pack: its name, or its folder' -r
complete -c tyto -n "__fish_tyto_using_subcommand check" -l engine -d 'What runs the encoders: tract; or tflite or onnxruntime, which need their libraries' -r
complete -c tyto -n "__fish_tyto_using_subcommand check" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand check" -l devices -d 'List the devices there are, and say which would be used, instead of all else'
complete -c tyto -n "__fish_tyto_using_subcommand check" -l json -d 'Print one JSON object instead of lines, once everything was found in order'
complete -c tyto -n "__fish_tyto_using_subcommand check" -l tap -d 'Show how loud each channel of the microphone is, to tap them and see which is which'
complete -c tyto -n "__fish_tyto_using_subcommand check" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand check" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand check" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand check" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand bench" -l looks -d 'Looks on each engine' -r
complete -c tyto -n "__fish_tyto_using_subcommand bench" -l compare -d 'Compare with a run before: ratios, and how far noise alone could have moved them' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand bench" -l config -d 'Configuration file [default: /etc/tyto/tyto.toml if it is there]' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand bench" -l board -d 'Board profile: its name, or the path of its file' -r
complete -c tyto -n "__fish_tyto_using_subcommand bench" -l model -d 'Model pack: its name, or its folder' -r
complete -c tyto -n "__fish_tyto_using_subcommand bench" -l engine -d 'What runs the encoders: tract; or tflite or onnxruntime, which need their libraries' -r
complete -c tyto -n "__fish_tyto_using_subcommand bench" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand bench" -l json -d 'Print one JSON object, which --compare reads'
complete -c tyto -n "__fish_tyto_using_subcommand bench" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand bench" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand bench" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand bench" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l source -d 'Where pictures and sound come from: devices, or clip:PATH [default: the configuration\'s]' -r
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l seconds -d 'How long to look and listen' -r
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l config -d 'Configuration file [default: /etc/tyto/tyto.toml if it is there]' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l board -d 'Board profile: its name, or the path of its file' -r
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l model -d 'Model pack: its name, or its folder' -r
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l engine -d 'What runs the encoders: tract; or tflite or onnxruntime, which need their libraries' -r
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l clap -d 'Measure by how much the camera\'s pictures are stamped too late, from claps or flashes with a click that are both seen and heard'
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -l json -d 'Print one JSON object'
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand calibrate" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand config" -l config -d 'Configuration file [default: /etc/tyto/tyto.toml if it is there]' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand config" -l board -d 'Board profile: its name, or the path of its file' -r
complete -c tyto -n "__fish_tyto_using_subcommand config" -l model -d 'Model pack: its name, or its folder' -r
complete -c tyto -n "__fish_tyto_using_subcommand config" -l engine -d 'What runs the encoders: tract; or tflite or onnxruntime, which need their libraries' -r
complete -c tyto -n "__fish_tyto_using_subcommand config" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand config" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand config" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand config" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand config" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l socket -d 'Socket of the daemon' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l label -d 'Only sounds with this label, such as Dog; may be given several times' -r
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l min-confidence -d 'Only sounds of at least this confidence, 0 to 1' -r
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l azimuth -d 'Only sounds between these azimuths, the one further right first: -30,30 is ahead' -r
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l max-rate -d 'At most so many updates a second and track' -r
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l count -d 'End after so many sound events' -r
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l map -d 'Ask for similarity maps; they show in the JSON lines only'
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l json -d 'Print JSON lines, as received, on a terminal too'
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l once -d 'End after one sound event'
complete -c tyto -n "__fish_tyto_using_subcommand watch" -l no-reconnect -d 'End when the daemon is not there or goes away, instead of waiting for it'
complete -c tyto -n "__fish_tyto_using_subcommand watch" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand watch" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand watch" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand watch" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand status" -l socket -d 'Socket of the daemon' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand status" -l textfile -d 'Write these metrics to a file for node_exporter\'s textfile collector, all at once; without an answer they say `tyto_up 0`' -r -F
complete -c tyto -n "__fish_tyto_using_subcommand status" -l every -d 'Write the file every so many seconds until stopped, whether there is an answer or not' -r
complete -c tyto -n "__fish_tyto_using_subcommand status" -l log -d 'Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or what RUST_LOG or the configuration says]' -r
complete -c tyto -n "__fish_tyto_using_subcommand status" -l json -d 'Print the status as the JSON line that the daemon sent'
complete -c tyto -n "__fish_tyto_using_subcommand status" -l prometheus -d 'Print metrics in Prometheus\'s exposition format'
complete -c tyto -n "__fish_tyto_using_subcommand status" -s v -l verbose -d 'Log more; twice for everything'
complete -c tyto -n "__fish_tyto_using_subcommand status" -s q -l quiet -d 'Log less: only warnings; twice for only errors'
complete -c tyto -n "__fish_tyto_using_subcommand status" -s h -l help -d 'Print help'
complete -c tyto -n "__fish_tyto_using_subcommand status" -s V -l version -d 'Print version'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "run" -d 'Serve direction-of-sound events until stopped: the daemon'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "replay" -d 'Play a clip through the daemon\'s pipeline and print what it hears'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "locate" -d 'Find what sounds in one picture and one sound, or in every row of a manifest'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "eval" -d 'Score a model pack, or any other system\'s maps, by the field\'s protocols'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "check" -d 'Check configuration, board profile and model pack, with a trial run of both encoders'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "bench" -d 'Measure what each part of a look costs here, on every engine'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "calibrate" -d 'Measure the camera\'s delay from claps that are seen and heard'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "config" -d 'Print the configuration that is in force, and where it was read from'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "watch" -d 'Show what a running daemon hears: a table on a terminal, JSON lines elsewhere'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "status" -d 'Say how a running daemon is doing: for people, as JSON, or for Prometheus'
complete -c tyto -n "__fish_tyto_using_subcommand help; and not __fish_seen_subcommand_from run replay locate eval check bench calibrate config watch status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

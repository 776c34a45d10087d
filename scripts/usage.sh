# Sourced at the top of a script, before anything is done: `--help` shows the comment at its head, and what it does not
# know ends it with 2. `options`: those that it knows; `most`: how many words else it takes. `passes`: who gets them all.
case " $* " in
  *" --help "* | *" -h "*)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
if [ -z "${passes:-}" ]; then
  words=0
  for word in "$@"; do
    case "$word" in
      -*) case " ${options:-} " in *" $word "*) ;; *) echo "$0: there is no option $word; $0 --help says which" >&2; exit 2 ;; esac ;;
      *) words=$((words + 1)) ;;
    esac
  done
  if [ "$words" -gt "${most:-0}" ]; then
    echo "$0 takes ${most:-0} words at most; $0 --help says which" >&2
    exit 2
  fi
fi
unset options most passes words word

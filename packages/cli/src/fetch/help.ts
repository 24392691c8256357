/** What `corral fetch --help` prints. */
export const HELP = `Usage: corral fetch [OPTION...] [URL...] [-i FILE]...

Downloads URLs, many at once and politely, each to a file. What is interrupted goes on where it stopped.

Input
  -i, --input FILE        a list of URLs; - is stdin; may be repeated
      --format FORMAT     text, jsonl or csv; else by the extension: .jsonl .ndjson .csv, anything else is text
                          text   a URL per line, optionally a tab and a file name; # begins a comment
                          jsonl  {"url", "out", "id", "headers", "sha256", "method", "body"}; only url is needed
                          csv    a header row with a column url; the columns out, id and sha256 are used too
Files
  -d, --dir DIR           where the files go                                            (default: .)
      --name TEMPLATE     {host} {path} {name} {stem} {ext} {n} {n:06} {sha1} {id}      (default: {host}/{path})
      --content-disposition  let the server choose the last part of the name
      --on-exist HOW      skip, overwrite, rename, or newer: only if the server's is newer  (default: skip)
      --fsync             force files and report to the disk before they count as done
Pace
  -c, --concurrency N     requests at once                                              (default: 64)
      --per-host N        requests at once to one host                                  (default: 8)
      --rate RATE         requests in all: 100/s, 5/m
      --host-rate RATE    requests to one host: 5/s
      --limit-rate BYTES  bytes per second in all: 20M
      --window N          how far to look ahead in the input for other hosts            (default: 10000)
Failures
      --retries N         further attempts after the first                              (default: 4)
      --retry-max-wait T  the longest Retry-After that is waited for                    (default: 2m)
      --retry-on LIST     statuses that are tried again                                 (default: 408,425,429,5xx)
      --max-error-rate P  give up when more than so many have failed: 20%, counted after the first 20
      --fail-fast         give up at the first failure
      --timeout T         for one attempt in all; 0 is no limit                         (default: 0)
      --connect-timeout T (default: 30s)
      --read-timeout T    the longest silence                                           (default: 60s)
      --min-speed SPEED   give an attempt up that brings less: 1K/30s                   (default: none)
      --max-size BYTES    the largest file                                              (default: 1G)
      --grace T           after Ctrl-C: how long what is under way may take             (default: 10s)
HTTP
  -H, --header 'K: V'     a header for all requests; may be repeated
  -A, --user-agent UA
      --max-redirects N   (default: 10)
      --public-only       refuse private, loopback and link-local addresses
      --cookie-jar FILE   keep cookies, and keep them in this file
      --netrc             take passwords from ~/.netrc (or $NETRC)
      --proxy URL         or none; else by HTTP_PROXY, HTTPS_PROXY and NO_PROXY
      --http VERSION      1, or auto: 2 where the server has it                         (default: 1)
      --robots            ask robots.txt, and obey
      --if-modified       ask whether a file that is there has changed, and fetch it only then
Report
      --report FILE       a JSON line for each URL, and what a later run goes on from; - is stdout
      --resume            go on from the report; this is the default when it exists
      --fresh             begin again: forget the report; for what is on the disk see --on-exist
      --retry-failed      try again what failed for good in an earlier run
      --verify            check what an earlier run fetched by its sha256, not only by its size
      --json              the lines of the report on stdout
      --progress MODE     auto, bar, plain or none; on stderr                           (default: auto)
  -q, --quiet             only errors that end the run
  -v, --verbose           a line for each URL
      --dry-run           print what would be fetched, and to where; send nothing
  -h, --help

Sizes: 512, 20K, 1.5M, 1G (K is 1024). Times: 30, 30s, 500ms, 2m, 1h (a bare number is seconds).

Exit codes: 0 all is there; 1 some failed; 2 wrong arguments or input; 3 given up for --max-error-rate or --fail-fast;
130 or 143 interrupted. The first Ctrl-C lets what is under way finish, the second cancels it, the third ends at once.

Examples:
  corral fetch https://example.com/a.iso https://example.org/b.iso
  corral fetch -i urls.txt -d pages --report pages.jsonl        # run it again to go on
  corral fetch -i list.jsonl --name '{n:06}{ext}' --host-rate 5/s --max-error-rate 20%
  sort -R urls.txt | corral fetch -i - -c 200 --json | jq -r 'select(.outcome == "failed") | .url'
`;

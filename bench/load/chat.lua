-- wrk's script: the requests that the file named by the first argument holds, in turn, and the figures as a line of JSON.
-- The file: for each request its length in decimal, a newline, and its bytes.
local requests_list = {}
local at = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read("*l")
    if length == nil then break end
    requests_list[#requests_list + 1] = file:read(tonumber(length))
  end
  file:close()
end

function request()
  at = at % #requests_list + 1
  return requests_list[at]
end

function done(summary, latency, requests)
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"bad_status":%d,"broken":%d,"p50":%f,"p99":%f,"max":%f}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end

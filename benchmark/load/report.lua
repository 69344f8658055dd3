-- What wrk has measured, as one line of JSON. Called by wrk when it is done.

-- CPU time of wrk itself, all threads, in seconds: fields 14 and 15, in ticks of 10 ms.
local function cpu_seconds()
  local file = io.open("/proc/self/stat")
  local stat = file:read("*a")
  file:close()
  local fields = {}
  for field in stat:gsub("^.*%) ", ""):gmatch("%S+") do fields[#fields + 1] = field end
  return (tonumber(fields[12]) + tonumber(fields[13])) / 100
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"durationUs":%d,"bytes":%d,"cpuSeconds":%.2f,'
      .. '"p50":%.1f,"p90":%.1f,"p99":%.1f,"p999":%.1f,"max":%.1f,'
      .. '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}',
    summary.requests, summary.duration, summary.bytes, cpu_seconds(),
    latency:percentile(50), latency:percentile(90), latency:percentile(99),
    latency:percentile(99.9), latency.max,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end

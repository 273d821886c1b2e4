-- Sends the lines of a file in turn, each `METHOD<tab>PATH<tab>BODY`, and tells what came back as JSON.
-- args: the file, the bearer token, and what stands for @@ in the bodies, with a number behind it.

local requests, templates, sent = {}, {}, 0
local headers, mark

local function split(text)
   local parts, from = {}, 1
   while true do
      local first, last = text:find("@@", from, true)
      parts[#parts + 1] = text:sub(from, first and first - 1)
      if not first then return parts end
      from = last + 1
   end
end

function init(args)
   mark = args[3]
   headers = { ["Authorization"] = "Bearer " .. args[2], ["Content-Type"] = "application/json" }
   for line in io.lines(args[1]) do
      local method, path, body = line:match("^(%u+)\t([^\t]+)\t(.*)$")
      local parts = split(body)
      local whole = #parts == 1 and wrk.format(method, path, headers, body ~= "" and body or nil)
      templates[#templates + 1] = { method = method, path = path, parts = parts, whole = whole }
   end
end

function request()
   sent = sent + 1
   local one = templates[(sent - 1) % #templates + 1]
   return one.whole or wrk.format(one.method, one.path, headers, table.concat(one.parts, mark .. sent))
end

function done(summary, latency, _)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end

-- running_server(): the run id of this server and its uptime in seconds; nil where the user may not call INFO.

local function running_server()
  local info = redis.pcall('INFO', 'server')
  if type(info) ~= 'string' then return nil end
  return string.match(info, 'run_id:(%w+)'), tonumber(string.match(info, 'uptime_in_seconds:(%d+)') or '0')
end

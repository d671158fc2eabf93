-- Ends the pauses of some remotes now. Their failures are kept.
--
-- KEYS[1]     pauses   hash of scope -> JSON: since, ends (unix seconds), times, works, cause, answer
-- ARGV[1...]  remotes  whose pauses end
--
-- Returns the latest end that one of the pauses had (unix seconds, 0 = none).

local pauses = KEYS[1]

local latest = 0
local all = redis.call('HGETALL', pauses)
for place = 1, #all, 2 do
  for _, remote in ipairs(ARGV) do
    if string.match(all[place], '^[^:]+') == remote then
      local pause = cjson.decode(all[place + 1])
      latest = math.max(latest, pause.ends)
      pause.ends = 0
      redis.call('HSET', pauses, all[place], cjson.encode(pause))
    end
  end
end
return string.format('%.3f', latest)

-- Records a failure of a scope, and begins a pause if requested. Each pause in a row is twice as long as the one before.
--
-- KEYS[1]   pauses         hash of scope -> JSON: since, ends (unix seconds), times, works, cause, answer
-- KEYS[2]   begun          hash of remote -> pauses begun
-- ARGV[1]   scope          that failed
-- ARGV[2]   work           that failed
-- ARGV[3]   cause          of the failure
-- ARGV[4]   answer         of the remote
-- ARGV[5]   pauses         '1' = begin a pause, '0' = only record the failure
-- ARGV[6]   first          seconds of a first pause
-- ARGV[7]   longest        seconds of the longest pause
-- ARGV[8]   named          seconds that a rate limit asks for, 0 for none
-- ARGV[9]   remembered     seconds for which the scopes are kept
-- ARGV[10]  remote         of the scope
--
-- Returns {when the pause ends (unix seconds, 0 = no pause), pauses in a row, works that failed since the last success of the scope, 1 = this
-- work had failed before}.

local pauses, pauses_begun = KEYS[1], KEYS[2]
local scope, failed_work, cause, answer, begins_pause = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local first_pause, longest_pause, named_pause, remembered, remote = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]

local t = redis.call('TIME')
-- Whole milliseconds, which JSON keeps.
local now = tonumber(t[1]) + math.floor(tonumber(t[2]) / 1000) / 1000
local text = redis.call('HGET', pauses, scope)
local pause = text and cjson.decode(text) or {since = now, ends = 0, times = 0, works = ''}
local count, again = 0, 0
for work in string.gmatch(pause.works, '%S+') do
  count = count + 1
  if work == failed_work then again = 1 end
end
if again == 0 and count < 10 then
  pause.works = pause.works .. ' ' .. failed_work
  count = count + 1
elseif again == 0 then
  again = 1
end
if begins_pause == '1' then
  local named = tonumber(named_pause)
  if pause.ends <= now then
    pause.times = pause.times + 1
    redis.call('HINCRBY', pauses_begun, remote, 1)
    pause.ends = now + math.max(named, math.min(tonumber(first_pause) * 2 ^ (pause.times - 1), tonumber(longest_pause)))
  elseif named > 0 then
    pause.ends = math.max(pause.ends, now + named)
  end
  pause.ends = math.floor(pause.ends * 1000) / 1000
end
pause.cause, pause.answer = cause, answer
redis.call('HSET', pauses, scope, cjson.encode(pause))
redis.call('EXPIRE', pauses, remembered)
return {string.format('%.3f', pause.ends > now and pause.ends or 0), pause.times, count, again}

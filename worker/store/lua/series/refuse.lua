-- Counts a refused record of a series. The second record in a row that is refused for the same reason stops the series, and opens its problem in
-- the same step: a stopped series always has one.
--
-- KEYS[1]   series        hash with the state of the series
-- KEYS[2]   problems      hash of problem key -> JSON
-- ARGV[1]   refusal       the reason
-- ARGV[2]   key           of the refused code or invoice
-- ARGV[3]   trial at      unix seconds from which one record of the stopped series may be sent
-- ARGV[4]   problem key   of the series
-- ARGV[5]   problem       JSON, with this reason
-- ARGV[6]   file          digest of the file with NetSuite's fields, '' without one
--
-- Returns {stopped, opened, earlier}: 1 if refusals have stopped the series, else 0 (it continues, or a difference has stopped it); 1 if no
-- problem was open; the key of the record that was refused before if the series is stopped now, else ''.

--- @include "includes/open_problem"

local series, problems, refusal, key, problem_key, problem = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[4], ARGV[5]
local stopped = redis.call('HGET', series, 'stopped')
local earlier_refusal = redis.call('HGET', series, 'refusal')
local earlier = redis.call('HGET', series, 'refused_record')
-- A difference that stopped it has its own problem, which comes first.
if stopped and stopped ~= 'refused' then return {0, 0, ''} end
redis.call('HSET', series, 'refusal', refusal, 'refused_record', key, 'refused_file', ARGV[6])
if redis.call('HGET', series, 'trial') == key then redis.call('HDEL', series, 'trial') end
if not stopped then
  if earlier_refusal ~= refusal or earlier == key then return {0, 0, ''} end
  redis.call('HSET', series, 'stopped', 'refused', 'trial_at', ARGV[3], 'reported', '\n' .. refusal .. '\n')
  return {1, open_problem(problems, problem_key, problem), earlier}
end
local open = redis.call('HGET', problems, problem_key)
-- The same reason again: another record in the sentence would only show an ignored problem again.
if open and earlier_refusal == refusal then return {1, 0, ''} end
local reported = redis.call('HGET', series, 'reported') or '\n' .. (earlier_refusal or '') .. '\n'
if not string.find(reported, '\n' .. refusal .. '\n', 1, true) then
  redis.call('HSET', series, 'reported', reported .. refusal .. '\n')
elseif open then
  -- Reasons that alternate: the sentence names the newest one, but a person who ignored the problem has seen each.
  local now = cjson.decode(problem)
  now.ignored = cjson.decode(open).ignored
  problem = cjson.encode(now)
end
return {1, open_problem(problems, problem_key, problem), ''}

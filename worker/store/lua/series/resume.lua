-- Continues a stopped series after a person has closed its problem, and accepts the difference that stopped it.
--
-- A difference stops the series and opens the problem in one step. So if the problem is open now, the person has not seen what stopped the
-- series: it stays stopped.
--
-- KEYS[1]     series        hash with the state of the series
-- KEYS[2]     problems      hash of problem key -> JSON
-- ARGV[1]     problem key   of the series
-- ARGV[2...]  fields        of the refusals in the hash
--
-- Returns 1 = the series continues now; 0 = it was not stopped, or a difference has stopped it since.

--- @include "includes/close_problem"

local series, problems, problem_key = KEYS[1], KEYS[2], ARGV[1]
local stopped = redis.call('HGET', series, 'stopped')
if not stopped then return 0 end
if stopped == 'refused' then
  -- A refusal since then has opened it again, which accepts nothing.
  close_problem(problems, problem_key)
elseif redis.call('HEXISTS', problems, problem_key) == 1 then
  return 0
else
  redis.call('HSET', series, 'accepted:' .. stopped, 1)
  redis.call('HDEL', series, 'in_a_row:' .. stopped)
end
redis.call('HDEL', series, 'stopped', unpack(ARGV, 2))
return 1

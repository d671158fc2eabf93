-- Forgets the refusals of a series, because NetSuite accepted a record. A series that refusals have stopped continues, and its problem closes in the
-- same step. A series that a difference has stopped stays stopped.
--
-- KEYS[1]     series        hash with the state of the series
-- KEYS[2]     problems      hash of problem key -> JSON
-- ARGV[1]     problem key   of the series
-- ARGV[2...]  fields        of the refusals in the hash
--
-- Returns 1 = the series continues now; 0 = it was not stopped, or a difference has stopped it.

--- @include "includes/close_problem"

local series, problems, problem_key = KEYS[1], KEYS[2], ARGV[1]
local stopped = redis.call('HGET', series, 'stopped')
redis.call('HDEL', series, unpack(ARGV, 2))
if stopped and stopped ~= 'refused' then return 0 end
local problem = redis.call('HGET', problems, problem_key)
if problem and cjson.decode(problem).cause == 'series_refused' then close_problem(problems, problem_key) end
return redis.call('HDEL', series, 'stopped')

-- Stops a series because of a difference, and opens its problem in the same step.
--
-- KEYS[1]     series        hash with the state of the series
-- KEYS[2]     problems      hash of problem key -> JSON
-- ARGV[1]     difference    that stops it
-- ARGV[2]     problem key   of the series
-- ARGV[3]     problem       JSON, '' = opens none
-- ARGV[4...]  fields        of the refusals in the hash, which are forgotten
--
-- Returns 1 when no problem was open under this key, else 0.

--- @include "includes/open_problem"

local series, problems, difference, problem_key, problem = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
redis.call('HDEL', series, unpack(ARGV, 4))
redis.call('HSET', series, 'stopped', difference)
return problem ~= '' and open_problem(problems, problem_key, problem) or 0

-- Records what a person did about an open problem: ignored it, or closed it (any other act).
--
-- KEYS[1]  problems  hash of problem key -> JSON
-- KEYS[2]  acts      list of acts on this problem, newest first
-- ARGV[1]  key       of the problem
-- ARGV[2]  seen      JSON of the problem that the person saw
-- ARGV[3]  act       JSON: act, by, at (unix seconds), note, cause, facts
-- ARGV[4]  kept      how many acts are kept
--
-- Returns 1; 0 when the problem is closed or has changed since the person saw it.

--- @include "includes/same_problem"
--- @include "includes/close_problem"

local problems, acts = KEYS[1], KEYS[2]
local problem_key, problem_seen, new_act, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local known = redis.call('HGET', problems, problem_key)
local problem = known and cjson.decode(known)
if not problem or not same_problem(problem, cjson.decode(problem_seen)) then return 0 end
local act = cjson.decode(new_act)
if act.act == 'ignored' then
  redis.call('ZREM', index_of(problems, problem), problem_key)
  problem.ignored = {by = act.by, at = act.at, note = act.note}
  redis.call('ZADD', index_of(problems, problem), problem.since, problem_key)
  redis.call('HSET', problems, problem_key, cjson.encode(problem))
else
  close_problem(problems, problem_key)
end
redis.call('LPUSH', acts, new_act)
redis.call('LTRIM', acts, 0, kept - 1)
return 1

-- The index of open problems: two sorted sets for each cause, one of them for ignored problems, scored by when each problem was opened (unix
-- seconds). Counting problems reads only these sets.
--
-- index_of(problems, problem):   the key of the sorted set for a decoded problem
-- close_problem(problems, key):  closes a problem; returns 1 when it was open, else 0
--
-- problems: hash of problem key -> JSON with `cause`, `facts`, `since` and, if it is ignored, `ignored`

local function index_of(problems, problem)
  return problems .. (problem.ignored and ':ignored:' or ':of:') .. problem.cause
end
local function close_problem(problems, key)
  local known = redis.call('HGET', problems, key)
  if not known then return 0 end
  redis.call('ZREM', index_of(problems, cjson.decode(known)), key)
  return redis.call('HDEL', problems, key)
end

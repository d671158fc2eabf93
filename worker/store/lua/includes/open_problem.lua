-- open_problem(problems, key, problem): opens a problem, or updates the open one under this key; returns 1 when none was open, else 0.
-- An ignored problem is shown again when its cause or facts change.
--
-- problems: hash of problem key -> JSON (see includes/close_problem)
-- problem:  JSON

--- @include "includes/same_problem"
--- @include "includes/close_problem"

local function open_problem(problems, key, problem)
  local known = redis.call('HGET', problems, key)
  if known then
    local old, new = cjson.decode(known), cjson.decode(problem)
    -- The same cause again is the same problem: it keeps the time at which it was opened.
    if old.cause == new.cause then new.since = old.since end
    if same_problem(old, new) then new.ignored = old.ignored end
    redis.call('ZREM', index_of(problems, old), key)
    problem = cjson.encode(new)
  end
  redis.call('HSET', problems, key, problem)
  local now = cjson.decode(problem)
  redis.call('ZADD', index_of(problems, now), now.since, key)
  return known and 0 or 1
end

-- end_work(prefix, key, field): ends a piece of work in its lane and in its run, which counts `field` ('' for nothing). Work that was requested
-- meanwhile waits again instead, and its run waits for the next attempt: this one may not have seen what was requested.
--
-- Uses KEYS[1] to KEYS[8] of its script: waiting, dispatched, deaths, current run, asked, begun, failures, again.

--- @include "includes/settle_in_run"
--- @include "includes/invoice_age"

local function end_work(prefix, key, field)
  redis.call('ZREM', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
  redis.call('HDEL', KEYS[3], key)
  redis.call('HDEL', KEYS[6], key)
  redis.call('HDEL', KEYS[7], key)
  if redis.call('SISMEMBER', KEYS[8], key) == 1 then
    redis.call('ZADD', KEYS[1], 0, key)
    return
  end
  redis.call('HDEL', KEYS[5], key)
  invoice_ends(prefix, key)
  settle_in_run(KEYS[4], prefix, key, field)
end

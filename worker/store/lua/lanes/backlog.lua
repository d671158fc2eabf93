-- Reads how much work a lane has, and since when work has been due.
--
-- KEYS[1]  waiting     sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[2]  dispatched  sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
--
-- Returns {number waiting, number in progress, since when the longest due work has been due (unix seconds, '0' = none is due)}.

--- @include "includes/now_seconds"

local waiting, dispatched = KEYS[1], KEYS[2]

local due = redis.call('ZRANGEBYSCORE', waiting, '(0', now, 'WITHSCORES', 'LIMIT', 0, 1)
return {redis.call('ZCARD', waiting), redis.call('ZCARD', dispatched), due[2] or '0'}

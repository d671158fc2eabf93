-- Ends the caller's claim on a piece of work that continues with a separate message.
--
-- KEYS[1]  dispatched  sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[2]  begun       hash of work -> claim
-- ARGV[1]  key         of the work
-- ARGV[2]  claim       of the caller, '' for none
-- ARGV[3]  dispatch    seconds within which the message has to arrive
--
-- Returns 1, or 0 when another claim has begun the work.

--- @include "includes/now_seconds"
--- @include "includes/holder_of"

local dispatched, begun = KEYS[1], KEYS[2]
local key_of_work, claim, dispatch = ARGV[1], ARGV[2], ARGV[3]

local by = holder_of(dispatched, begun, key_of_work)
if by ~= '' and by ~= claim then return 0 end
redis.call('HDEL', begun, key_of_work)
redis.call('ZADD', dispatched, now + tonumber(dispatch), key_of_work)
return 1

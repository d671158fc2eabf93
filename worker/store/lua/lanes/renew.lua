-- Renews the claim of an attempt that makes progress.
--
-- KEYS[1]  dispatched  sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[2]  begun       hash of work -> claim
-- ARGV[1]  key         of the work
-- ARGV[2]  claim       of the caller
-- ARGV[3]  lease       seconds from now
--
-- Returns 1, or 0 when the claim is lost.

--- @include "includes/now_seconds"
--- @include "includes/holder_of"

local dispatched, begun = KEYS[1], KEYS[2]
local key_of_work, claim, lease = ARGV[1], ARGV[2], ARGV[3]

if holder_of(dispatched, begun, key_of_work) ~= claim then return 0 end
redis.call('ZADD', dispatched, now + tonumber(lease), key_of_work)
return 1

-- Takes a slot, or adds the caller to those that wait for one. For a scan, waiting exports count as slots in use.
--
-- KEYS[1]  slots            sorted set of tokens, scored by when each lease ends (ms)
-- KEYS[2]  waiting exports  sorted set of tokens, scored by when each counts as gone (ms)
-- KEYS[3]  waiting scans    as KEYS[2]
-- KEYS[4]  caps             sorted set of caps, scored by when each ends (ms)
-- ARGV[1]  token            of the caller
-- ARGV[2]  cap              of this process
-- ARGV[3]  lease            ms for which a slot is held without renewal
-- ARGV[4]  is export        '1' or '0'
-- ARGV[5]  poll interval    ms between two calls of a waiter, which counts as gone after twice as long
-- ARGV[6]  cap kept         ms for which the cap counts
--
-- Returns 1 when the caller has a slot, 0 when it waits.

--- @include "includes/lowest_cap"

local slots, exports, scans, caps = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local token, cap, lease, is_export, poll_interval, cap_kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

redis.call('ZADD', caps, now + tonumber(cap_kept), cap)
local limit = lowest_cap(caps, cap)
for place = 1, 3 do redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', now) end
local mine = is_export == '1' and exports or scans
local taken = redis.call('ZCARD', slots)
if is_export == '0' then taken = taken + redis.call('ZCARD', exports) end
if redis.call('ZSCORE', slots, token) or taken < limit then
  redis.call('ZADD', slots, now + tonumber(lease), token)
  redis.call('ZREM', mine, token)
  return 1
end
redis.call('ZADD', mine, now + 2 * tonumber(poll_interval), token)
return 0

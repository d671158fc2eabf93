-- Releases a slot, or stops waiting for one, and hands free slots to waiting requests: exports first, and after some exports in a row a scan.
--
-- KEYS[1]  slots            sorted set of tokens, scored by when each lease ends (ms)
-- KEYS[2]  waiting exports  sorted set of tokens, scored by when each counts as gone (ms)
-- KEYS[3]  waiting scans    as KEYS[2]
-- KEYS[4]  caps             sorted set of caps, scored by when each ends (ms)
-- KEYS[5]  in a row         how many exports got a slot in a row while a scan waited
-- KEYS[6]  sent             hash of `remote:precedence` -> requests sent
-- ARGV[1]  token            of the caller
-- ARGV[2]  cap              of this process
-- ARGV[3]  lease            ms for which a slot is held without renewal
-- ARGV[4]  stem             beginning of the list that each waiter blocks on, before its token
-- ARGV[5]  max in a row     exports that get a slot in a row while a scan waits
-- ARGV[6]  precedence       of the request that had the slot
--
-- Returns 1.

--- @include "includes/lowest_cap"

local slots, exports, scans, caps, in_a_row, sent = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local token, cap, lease, stem, max_in_a_row, precedence = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

-- Counted at the release, so each request counts once, and a caller that never had a slot does not count.
if redis.call('ZREM', slots, token) == 1 then redis.call('HINCRBY', sent, 'netsuite:' .. precedence, 1) end
redis.call('ZREM', exports, token)
redis.call('ZREM', scans, token)
for place = 1, 3 do redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', now) end
for room = 1, lowest_cap(caps, cap) - redis.call('ZCARD', slots) do
  local export_waits, scan_waits = redis.call('ZCARD', exports) > 0, redis.call('ZCARD', scans) > 0
  local waiting = export_waits and exports or scans
  if not (export_waits and scan_waits) then redis.call('DEL', in_a_row)
  elseif redis.call('INCR', in_a_row) > tonumber(max_in_a_row) then
    redis.call('DEL', in_a_row)
    waiting = scans
  end
  local first = redis.call('ZRANGEBYSCORE', waiting, '-inf', '+inf', 'LIMIT', 0, 1)[1]
  if not first then return 1 end
  redis.call('ZREM', waiting, first)
  redis.call('ZADD', slots, now + tonumber(lease), first)
  redis.call('LPUSH', stem .. first, 1)
  redis.call('PEXPIRE', stem .. first, 5000)
end
return 1

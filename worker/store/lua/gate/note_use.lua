-- Records how many slots are in use now.
--
-- KEYS[1]  slots  sorted set of tokens, scored by when each lease ends (ms)
-- KEYS[2]  use    stream with one field, `in_use`
-- ARGV[1]  kept   ms for which an entry is kept
--
-- Returns 1.

--- @include "includes/now_ms"

local slots, use, kept = KEYS[1], KEYS[2], ARGV[1]

local in_use = redis.call('ZCOUNT', slots, now, '+inf')
redis.call('XADD', use, 'MINID', '~', now - tonumber(kept), '*', 'in_use', in_use)
return 1

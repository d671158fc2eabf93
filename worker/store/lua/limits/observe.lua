-- Records the window that the headers of a response describe.
--
-- KEYS[1]  limits     hash of what is known of the remote's windows, times in ms
-- ARGV[1]  limit      requests in the window
-- ARGV[2]  remaining  requests left in it
-- ARGV[3]  reset      when it ends (unix seconds of the remote's clock)
-- ARGV[4]  ahead      ms until then by the remote's clock; '' = not known
--
-- Returns 1, or 0 when the window does not end within the next two hours.

--- @include "includes/now_ms"

local limits = KEYS[1]
local limit, remaining, named_reset, named_ahead = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- The wait is counted from now, so that the remote's clock and this server's need not agree.
local ahead = tonumber(named_ahead) or tonumber(named_reset) * 1000 - now
-- No window is longer than an hour. A later end is an error, and all callers would wait for it.
if ahead <= 0 or ahead > 7200000 then return 0 end
local reset, window = now + ahead, (ahead <= 11000) and 'spike' or 'hour'
if redis.call('HGET', limits, 'hour:limit') == limit then window = 'hour' end
local f = redis.call('HMGET', limits, window .. ':left', window .. ':reset', window .. ':begun', window .. ':named')
local left, same = tonumber(remaining), f[4] == named_reset
if f[1] and (same or f[3]) then left = math.min(left, tonumber(f[1])) end
if same then reset = math.min(reset, tonumber(f[2])) end
redis.call('HDEL', limits, window .. ':begun')
redis.call('HSET', limits, window .. ':limit', limit, window .. ':left', left, window .. ':reset', reset,
  window .. ':named', named_reset)
redis.call('EXPIRE', limits, 7200)
return 1

-- Checks whether a request may be sent to a remote now; if so, counts it in the remote's windows and among the requests sent.
--
-- KEYS[1]  limits               hash of what is known of the remote's windows, times in ms
-- KEYS[2]  sent                 hash of `remote:precedence` -> requests sent
-- ARGV[1]  yields               '0' for an export, '1' for anything else
-- ARGV[2]  share                of each window that the request leaves to exports, from 0 to 1
-- ARGV[3]  share with exports   as ARGV[2], while exports are running
-- ARGV[4]  exports remembered   ms after the last request of an export in which exports count as running
-- ARGV[5]  counted as           `remote:precedence`
-- ARGV[6]  short window         ms
--
-- Returns ms to wait before the next call; 0 = send the request.

--- @include "includes/now_ms"

local limits, requests_sent = KEYS[1], KEYS[2]
local yields, usual_share, share_with_exports, exports_remembered = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local counted_as, short_window = ARGV[5], ARGV[6]

local wait, share = 0, 0
if yields == '0' then
  redis.call('HSET', limits, 'exported', now)
  redis.call('EXPIRE', limits, 7200)
else
  local exported = tonumber(redis.call('HGET', limits, 'exported') or '0')
  share = tonumber(now - exported < tonumber(exports_remembered) and share_with_exports or usual_share)
end
local blocked = tonumber(redis.call('HGET', limits, 'blocked') or '0')
if blocked > now then wait = blocked - now end
for _, window in ipairs({'spike', 'hour'}) do
  local f = redis.call('HMGET', limits, window .. ':limit', window .. ':left', window .. ':reset')
  if f[1] and tonumber(f[3]) > now then
    if tonumber(f[2]) <= math.floor(tonumber(f[1]) * share) then wait = math.max(wait, tonumber(f[3]) - now) end
  end
end
if wait > 0 then return wait end
for _, window in ipairs({'spike', 'hour'}) do
  local f = redis.call('HMGET', limits, window .. ':limit', window .. ':reset')
  if f[1] and tonumber(f[2]) > now then redis.call('HINCRBY', limits, window .. ':left', -1)
  elseif f[1] and window == 'spike' then
    -- The window has ended, and no response has shown the next one yet: let it begin now, so that not all waiting callers send at once.
    redis.call('HSET', limits, 'spike:left', f[1] - 1, 'spike:reset', now + tonumber(short_window), 'spike:begun', 1)
  end
end
redis.call('HINCRBY', requests_sent, counted_as, 1)
return 0

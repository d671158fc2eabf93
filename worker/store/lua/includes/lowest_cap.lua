-- lowest_cap(caps, own): the lowest cap that a running process announces, `own` included.
-- caps: sorted set of caps, scored by when each ends (ms). It only reads, so that a slot can be released when Redis refuses writes.

--- @include "includes/now_ms"

local function lowest_cap(caps, own)
  local lowest = tonumber(own)
  for _, cap in ipairs(redis.call('ZRANGEBYSCORE', caps, now, '+inf')) do lowest = math.min(lowest, tonumber(cap)) end
  return lowest
end

-- Reads the size and the first member of some sorted sets.
--
-- KEYS[1...]  sets  sorted sets
--
-- Returns {size, first member, its score, size, ...}; '' and '0' for an empty set.

local sizes = {}
for _, key in ipairs(KEYS) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  sizes[#sizes + 1] = redis.call('ZCARD', key)
  sizes[#sizes + 1] = first[1] or ''
  sizes[#sizes + 1] = first[2] or '0'
end
return sizes

-- holder_of(dispatched, begun, key): the claim by which a piece of work is in progress, '' for none. A claim of work that is no longer
-- dispatched does not count.
--
-- dispatched: sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- begun:      hash of work -> claim

local function holder_of(dispatched, begun, key)
  return redis.call('ZSCORE', dispatched, key) and redis.call('HGET', begun, key) or ''
end

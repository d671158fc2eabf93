-- meet_store(store, ledger, known, fresh): gives a store without an id one, records a loss when the caller knows another store, and returns
-- the id of this store.
--
-- store:  hash with `id`, `since` (when it got the id, unix seconds) and `lost` (the same time, once a process has reported the loss)
-- ledger: the ledger's state; its `since` moves forward to the store's when the loss is first reported
-- known:  id of the store that the caller knows, '' for none
-- fresh:  a part of an id that no other call has

local function meet_store(store, ledger, known, fresh)
  local id = redis.call('HGET', store, 'id')
  if not id then
    local now = redis.call('TIME')
    local since = string.format('%d.%06d', now[1], now[2])
    id = since .. '-' .. fresh
    redis.call('HSET', store, 'id', id, 'since', since)
  end
  if known ~= '' and known ~= id then
    local since = redis.call('HGET', store, 'since')
    local first = redis.call('HSETNX', store, 'lost', since) == 1
    local ledger_since = redis.call('HGET', ledger, 'since')
    if first and ledger_since and tonumber(ledger_since) < tonumber(since) then
      redis.call('HSET', ledger, 'since', since)
    end
  end
  return id
end

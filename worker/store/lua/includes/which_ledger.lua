-- which_ledger(prefix): the id of the ledger, which no other ledger has; '' when there is none.

local function which_ledger(prefix)
  local state = redis.call('HMGET', prefix .. 'ledger', 'opened_at', 'since')
  return state[1] or state[2] or ''
end

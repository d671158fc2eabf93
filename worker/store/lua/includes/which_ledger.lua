-- which_ledger(prefix): which ledger there is, a text that no other one has; '' when there is none.

local function which_ledger(prefix)
  local state = redis.call('HMGET', prefix .. 'ledger', 'opened_at', 'since')
  return state[1] or state[2] or ''
end

-- missing_finding(key): the problem key of the finding that a code has no Item, or an invoice no bill.

local function missing_finding(key)
  local kind = string.match(key, '^code:') and 'item_missing' or 'bill_missing'
  return 'verify:' .. kind .. ':' .. key
end

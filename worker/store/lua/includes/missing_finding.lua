-- missing_finding(key): the problem key of the finding of `verify` that the Item of a code, or the bill of an invoice, is missing.

local function missing_finding(key)
  local kind = string.match(key, '^code:') and 'item_missing' or 'bill_missing'
  return 'verify:' .. kind .. ':' .. key
end

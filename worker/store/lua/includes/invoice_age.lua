-- Records since when each invoice has been unfinished work: from its first request until it ends, through any number of attempts.
--
-- invoice_begins(prefix, key), invoice_ends(prefix, key): do nothing for a key of any other kind

--- @include "includes/now_seconds"

local function is_invoice(key) return string.sub(key, 1, 8) == 'invoice:' end
local function invoice_begins(prefix, key)
  if is_invoice(key) then redis.call('ZADD', prefix .. 'since:invoice', 'NX', now, key) end
end
local function invoice_ends(prefix, key)
  if is_invoice(key) then redis.call('ZREM', prefix .. 'since:invoice', key) end
end

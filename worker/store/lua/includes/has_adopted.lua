-- has_adopted(prefix, code, item_id): whether the record of a code says that it has adopted an Item. The index of adopted Items alone may be
-- outdated: a worker of an older version may have cleared the code's record without it.

local function has_adopted(prefix, code, item_id)
  local project, number = string.match(code, '^code:(%d+):(%d+)$')
  local stored = project and redis.call('HGET', prefix .. 'codes:' .. project, number)
  local record = stored and cjson.decode(stored)
  return record and record.state == 'adopted' and record.remote_id == item_id
end

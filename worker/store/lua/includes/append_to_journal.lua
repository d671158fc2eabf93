-- append_to_journal(journal, event, again): adds an event to a journal; if its last line has the same event, only counts it there.
--
-- journal: list of lines `first time,last time,count,again,event`, times in whole unix seconds. A list takes a few hundred bytes, a stream
--          4,400 from its first entry on (docs/decisions/0012-journal.md)
-- event:   JSON without its brackets, '' for nothing to append
-- again:   when the work is tried again (whole unix seconds), 0 for never

local MAX_LINES = 60
local KEPT_SECONDS = 34560000 -- 400 days: a fiscal year, and the month in which it is audited

local function append_to_journal(journal, event, again)
  if event == '' then return end
  local now = redis.call('TIME')[1]
  local first, times, before = string.match(redis.call('LINDEX', journal, -1) or '', '^(%d+),%d+,(%d+),%d+,(.*)$')
  if before == event then
    redis.call('LSET', journal, -1, table.concat({first, now, times + 1, again, event}, ','))
  else
    redis.call('RPUSH', journal, table.concat({now, now, 1, again, event}, ','))
    redis.call('LTRIM', journal, -MAX_LINES, -1)
  end
  redis.call('EXPIRE', journal, KEPT_SECONDS)
end

-- Replaces the list of projects by one that was just read. It counts as outdated if a change was reported after reading began.
--
-- KEYS[1]  fresh        hash of the list that was just read
-- KEYS[2]  projects     hash of the list
-- KEYS[3]  listed at    when reading the list began (unix seconds); missing when the list is outdated
-- KEYS[4]  outdated at  when a change was last reported (unix seconds)
-- ARGV[1]  count        of projects in `fresh`
-- ARGV[2]  begun at     when reading `fresh` began (unix seconds)
--
-- Returns 1.

local fresh, projects, listed_at, outdated_at = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local count, begun_at = ARGV[1], ARGV[2]

if count == '0' then redis.call('DEL', projects)
elseif redis.call('EXISTS', fresh) == 1 then
  redis.call('RENAME', fresh, projects)
  redis.call('PERSIST', projects)
end
if tonumber(redis.call('GET', outdated_at) or '0') < tonumber(begun_at) then redis.call('SET', listed_at, begun_at)
else redis.call('DEL', listed_at) end
return 1

-- Reads when the list of projects was begun, and one project.
--
-- KEYS[1]  listed at  when reading the list began (unix seconds); missing when the list is outdated
-- KEYS[2]  projects   hash of the list
-- ARGV[1]  project    optional: id
--
-- Returns {listed at, seconds, microseconds, row}. listed at: '' = outdated or no list. seconds, microseconds: this server's clock. row: of
-- the project, '' for none.

local listed_at, projects, project = KEYS[1], KEYS[2], ARGV[1]

local now = redis.call('TIME')
local row = project and redis.call('HGET', projects, project)
return {redis.call('GET', listed_at) or '', now[1], now[2], row or ''}

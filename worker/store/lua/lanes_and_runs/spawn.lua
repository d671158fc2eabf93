-- Ends a piece of work in its lane and its run, queues its children in their lane, and adds them to the run. A second call changes nothing in
-- the run. Can take the next work of the parent's lane. One script, so that the run neither ends between parent and children nor misses any.
--
-- KEYS[1]   waiting           of the parent's lane: sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[2]   dispatched        of the parent's lane: sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[3]   deaths            hash of work -> workers that died with it
-- KEYS[4]   current run       id of the run that may wait for the parent
-- KEYS[5]   asked             hash of work -> correlation id
-- KEYS[6]   begun             hash of work -> claim
-- KEYS[7]   failures          hash of work -> failed attempts
-- KEYS[8]   again             set of work that is repeated after its attempt
-- KEYS[9]   unbegun           hash of work -> messages that no worker has begun
-- KEYS[10]  child waiting     as KEYS[1], of the children's lane
-- KEYS[11]  child dispatched  as KEYS[2], of the children's lane
-- ARGV[1]   parent            key of the work
-- ARGV[2]   prefix            of all keys
-- ARGV[3]   claim             of the caller, '' for none; if it has expired, only the children are queued, and with another claim nothing happens
-- ARGV[4]   counts            c, how many fields the run counts
-- ARGV[5...]                  c times a field and its number; when the children are due (unix seconds, '' = now); t, how many arguments of
--                             lanes/take follow (0 or all of them); these; the keys of the children
--
-- Returns the work that was taken, as lanes/take does; empty for t = 0.

--- @include "includes/now_seconds"
--- @include "includes/end_work"
--- @include "includes/origin"
--- @include "includes/holder_of"
--- @include "includes/take_due"

local parent, prefix = ARGV[1], ARGV[2]
local by = holder_of(KEYS[2], KEYS[6], parent)
local counts = tonumber(ARGV[4])
local taking = tonumber(ARGV[6 + 2 * counts])
local first_child = 7 + 2 * counts + taking
local function spawn()
  if by ~= '' and by ~= ARGV[3] then return end
  local run = redis.call('GET', KEYS[4])
  local open = run and (prefix .. 'run:' .. run .. ':open')
  local again = redis.call('SISMEMBER', KEYS[8], parent) == 1
  local listed = open and redis.call('SISMEMBER', open, parent) == 1 and redis.call('HEXISTS', prefix .. 'run:' .. run, 'kind') == 1
  -- If the parent was requested again meanwhile, the run counts its next attempt, which finds all these children again.
  local mine = listed and not again
  if mine then
    for i = 1, counts do redis.call('HINCRBY', prefix .. 'run:' .. run, ARGV[3 + 2 * i], ARGV[4 + 2 * i]) end
  end
  local at = ARGV[5 + 2 * counts]
  if at == '' then at = now end
  local asked_by = mine and '' or origin(KEYS[5], KEYS[4], prefix, parent)
  for i = first_child, #ARGV do
    if not redis.call('ZSCORE', KEYS[11], ARGV[i]) then redis.call('ZADD', KEYS[10], 'LT', at, ARGV[i]) end
    note_origin(KEYS[5], KEYS[4], prefix, ARGV[i], asked_by)
    invoice_begins(prefix, ARGV[i])
    if mine then redis.call('SADD', open, ARGV[i]) end
  end
  if by == ARGV[3] then end_work(prefix, parent, '') end
end
spawn()
return taking > 0 and take_due(unpack(ARGV, 7 + 2 * counts, 6 + 2 * counts + taking)) or {}

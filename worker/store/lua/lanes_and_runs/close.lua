-- Ends a piece of work in its lane and in its run, which counts the result once; work that was requested meanwhile waits again instead. With
-- ARGV[5] and more, takes the next work of the lane. One script, so that no run waits for work that its lane no longer has.
--
-- KEYS[1]     waiting      sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[2]     dispatched   sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[3]     deaths       hash of work -> workers that died with it
-- KEYS[4]     current run  id of the run that may wait for it
-- KEYS[5]     asked        hash of work -> correlation id
-- KEYS[6]     begun        hash of work -> claim
-- KEYS[7]     failures     hash of work -> failed attempts
-- KEYS[8]     again        set of work that is repeated after its attempt
-- KEYS[9]     unbegun      hash of work -> messages that no worker has begun
-- ARGV[1]     key          of the work
-- ARGV[2]     field        what its run counts, '' for nothing
-- ARGV[3]     prefix       of all keys
-- ARGV[4]     claim        of the caller, '' for none; nothing ends when another claim has begun the work
-- ARGV[5...]  take         optional: the arguments of lanes/take
--
-- Returns the work that was taken, as lanes/take does; empty without ARGV[5].

--- @include "includes/now_seconds"
--- @include "includes/end_work"
--- @include "includes/holder_of"
--- @include "includes/take_due"

if holder_of(KEYS[2], KEYS[6], ARGV[1]) == ARGV[4] then end_work(ARGV[3], ARGV[1], ARGV[2]) end
return ARGV[5] and take_due(unpack(ARGV, 5)) or {}

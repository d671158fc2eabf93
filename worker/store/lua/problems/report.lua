-- Opens a problem, or updates the open one under the same key.
--
-- KEYS[1]  problems  hash of problem key -> JSON
-- KEYS[2]  journal   of the problem's key
-- ARGV[1]  key       of the problem
-- ARGV[2]  problem   JSON
-- ARGV[3]  event     for the journal, '' for none
-- ARGV[4]  again     of the event (whole unix seconds), 0 for never
--
-- Returns 1 when no problem was open under this key, else 0.

--- @include "includes/open_problem"
--- @include "includes/append_to_journal"

local problems, journal = KEYS[1], KEYS[2]
local problem_key, problem, event, again = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

append_to_journal(journal, event, again)
return open_problem(problems, problem_key, problem)

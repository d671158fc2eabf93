-- Closes problems.
--
-- KEYS[1]     problems  hash of problem key -> JSON
-- ARGV[1...]  keys      of the problems
--
-- Returns how many of them were open.

--- @include "includes/close_problem"

local problems = KEYS[1]

local closed = 0
for _, key in ipairs(ARGV) do closed = closed + close_problem(problems, key) end
return closed

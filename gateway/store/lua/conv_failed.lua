--[[ conv_failed: a reply did not reach them, or nobody knows: its conversation says so until its agent has decided.

One step, because the mark, the clock of their wait and the fact belong together. They wait again: what answered them did not come.
Whoever has it has it; one that waits or is parked goes back to its agent as if they had written; one whose reason is still due is
not done after all, and still has its slot. One that is resolved is opened by conv_system, behind this: the mark stays where that is
not reached, and the next look finds it.

KEYS  1 cv:V  2 facts  3 vd  4 vo
ARGV  1 offset (ms)  2 V  3 M  4 reason  5 failed, or unsure: then nobody waits anew
RETURNS 1 marked | 0 known or decided | -1 no such conversation
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return -1 end
if conv['nd:' .. ARGV[3]] or conv['u:' .. ARGV[3]] then return 0 end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
local changes = {['nd:' .. ARGV[3]] = ARGV[4]}
local states = {active = true, waiting = true, parked = true, wrapup = true}
if ARGV[5] == 'failed' and states[conv.st] then
  if conv.w == '' then changes.w = text(now) end
  if conv.st == 'wrapup' then changes.st, changes.wu = 'active', '' end
  if (conv.st == 'waiting' or conv.st == 'parked') and (conv.rt or '') == '' then changes.rt = text(now) end
end
conv_write(KEYS[1], KEYS[3], KEYS[4], ARGV[2], conv, changes)
fact(KEYS[2], now, 'undelivered', ARGV[3] .. ' ' .. conv.c .. ' ' .. ARGV[2], 'reason=' .. ARGV[4] .. stands(conv))
return 1

--[[ conv_back: a thread that another program held is ours again, or nobody's. Whoever still waits there now waits for us.

One step, so that words that come in at the same moment are neither lost from the queue nor put there twice.

KEYS  1 cv:V  2 facts  3 vd  4 vo
ARGV  1 offset (ms)  2 V  3 '1': only if nobody at all answered since they wrote (nobody handed them to us)
RETURNS 1 somebody waits for us | 0 nobody does
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv or (conv.sw or '') == '' or conv.st == 'resolved' then return 0 end
if ARGV[3] == '1' and tonumber(conv.lo) >= tonumber(conv.li) then return 0 end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
local kind, detail = '', ''
local changes = {sw = '', w = conv.w ~= '' and conv.w or conv.sw}
if conv.st == 'automated' then
  kind = 'queued'
  changes.st, changes.ep, changes.oat = 'queued', text(tonumber(conv.ep) + 1), text(now)
  changes.qe = text(now)
elseif (conv.st == 'waiting' or conv.st == 'parked') and (conv.rt or '') == '' then
  changes.rt = text(now) -- it goes back to its agent with their next free slot
elseif conv.st == 'wrapup' then
  kind, detail = 'returned', 'agent=' .. conv.o
  changes.st, changes.wu = 'active', '' -- it is not done after all
end
conv_write(KEYS[1], KEYS[3], KEYS[4], ARGV[2], conv, changes)
if kind ~= '' then fact(KEYS[2], now, kind, ARGV[2] .. ' ' .. conv.c, detail .. stands(conv)) end
return 1

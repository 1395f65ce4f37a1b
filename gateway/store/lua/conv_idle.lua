--[[ conv_idle: time passed. Answered and silent: waiting. Silent for a day: resolved. Only if nothing happened meanwhile.

KEYS  1 cv:V  2 ct:V  3 facts  4 vd  5 vo  6 co:C:hash  7 vs:C
ARGV  1 offset (ms)  2 V  3 revision seen  4 'waiting' or 'resolved'  5 by (automation or contact)  6 keep resolved (ms)
RETURNS 1 done | 0 something happened
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv or conv.rev ~= ARGV[3] or conv.w ~= '' or conv.st == 'resolved' then return 0 end
local now = now_of(KEYS[3], tonumber(ARGV[1]))
local changes = {st = ARGV[4]}
if ARGV[4] == 'resolved' then
  changes.sw = ''
  changes.res, changes.by, changes.o, changes.oat, changes.ep = text(now), ARGV[5], '', text(now), text(tonumber(conv.ep) + 1)
  fact(KEYS[3], now, 'resolved', ARGV[2] .. ' ' .. conv.c, 'by=' .. ARGV[5] .. ' epoch=' .. changes.ep)
end
conv_write(KEYS[1], KEYS[4], KEYS[5], ARGV[2], conv, changes)
if conv.st == 'resolved' then conv_keep({KEYS[1], KEYS[2], KEYS[6], KEYS[7]}, true, ARGV[6]) end
return 1

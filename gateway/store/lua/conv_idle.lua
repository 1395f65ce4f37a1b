--[[ conv_idle: time passed. Answered and silent: waiting. Silent for a day, or its reason not given in time: resolved;
so is what somebody else answered while it stood in its queue, after a day. Parked until
now: it wants its agent back. Only if nothing happened meanwhile.

KEYS  1 cv:V  2 ct:V  3 facts  4 vd  5 vo  6 co:C:hash  7 vs:C  8 dr:V
ARGV  1 offset (ms)  2 V  3 revision seen  4 'waiting', 'resolved' or 'wake'  5 by (automation, silence; '' its agent)
      6 keep resolved (ms)
RETURNS 1 done | 0 something happened
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv or conv.rev ~= ARGV[3] or conv.st == 'resolved' then return 0 end
local now = now_of(KEYS[3], tonumber(ARGV[1]))
local changes, kind, detail = {}, '', 'agent=' .. conv.o
if ARGV[4] == 'wake' then
  if conv.st ~= 'parked' or (conv.rt or '') ~= '' then return 0 end
  changes.rt = text(now)
  kind = 'woken'
elseif conv.w ~= '' and not (conv.st == 'queued' and tonumber(conv.la or '0') >= tonumber(conv.li)) then
  return 0
elseif ARGV[4] == 'waiting' then
  if conv.st ~= 'active' then return 0 end
  changes.st = 'waiting'
  kind = 'idled'
else
  local by = ARGV[5] ~= '' and ARGV[5] or conv.o
  if conv.st == 'wrapup' and (conv.rc or '') == '' then changes.rc = 'none' end
  to_resolved(conv, changes, now, by)
  kind, detail = 'resolved', 'by=' .. by .. ' reason=' .. (changes.rc or conv.rc or '')
end
conv_write(KEYS[1], KEYS[4], KEYS[5], ARGV[2], conv, changes)
fact(KEYS[3], now, kind, ARGV[2] .. ' ' .. conv.c, detail .. stands(conv))
if conv.st == 'resolved' then conv_keep({KEYS[1], KEYS[2], KEYS[6], KEYS[7], KEYS[8]}, true, ARGV[6]) end
return 1

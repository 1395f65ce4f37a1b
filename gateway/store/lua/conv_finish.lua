--[[ conv_finish: the owner is done with the contact, gives the reason why they wrote, or gives the conversation back.

One step with the epoch. A finish also says how often the contact had written when it was decided: words that came in between
would otherwise be resolved unread. Finished without a reason it is in wrap-up, and keeps its slot, until the reason is due.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo  7 co:C:hash  8 vs:C  9 dr:V
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)  7 'finish', 'reason' or 'release'
      8 inbound seen ('' not said)  9 keep resolved (ms)  10 reason ('' not said)  11 wrap-up lasts (ms; 0 there is none)
RETURNS as a command (lua/_conv.lua); refused with moved where its state has nothing to finish, they_wrote
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
local other = not_theirs(conv, ARGV[3], ARGV[4])
if other then return other end
local what, reason = ARGV[7], ARGV[10] ~= '' and ARGV[10] or (conv.rc or '')
if what == 'finish' and ARGV[8] ~= '' and ARGV[8] ~= conv.n then return refused('they_wrote', conv) end
if what == 'finish' and conv.st == 'assigned' then return refused('moved', conv) end
if what == 'release' and conv.st == 'wrapup' then return refused('moved', conv) end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local changes, kind, detail = {rc = reason}, '', ''
if what == 'release' then
  to_queue(conv, changes, now)
  kind, detail = 'released', 'agent=' .. ARGV[3]
elseif what == 'reason' and conv.st ~= 'wrapup' then
  kind, detail = 'tagged', 'agent=' .. ARGV[3] .. ' reason=' .. reason
elseif conv.st == 'active' and reason == '' and tonumber(ARGV[11]) > 0 then
  changes.st, changes.wu, changes.w = 'wrapup', text(now + tonumber(ARGV[11])), ''
  changes.ofa, changes.ofm = '', '' -- who was asked to have it is asked no more
  kind, detail = 'wrapup', 'agent=' .. ARGV[3]
else
  if reason == '' then changes.rc = tonumber(ARGV[11]) > 0 and 'none' or '' end
  to_resolved(conv, changes, now, ARGV[3])
  kind, detail = 'resolved', 'by=' .. ARGV[3] .. ' reason=' .. changes.rc
end
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
fact(KEYS[4], now, kind, ARGV[2] .. ' ' .. conv.c, detail .. stands(conv))
if conv.st == 'resolved' then conv_keep({KEYS[1], KEYS[2], KEYS[7], KEYS[8], KEYS[9]}, true, ARGV[9]) end
return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '')

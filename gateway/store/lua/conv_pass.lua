--[[ conv_pass: its owner, or a supervisor, passes a conversation on: into a queue, to a colleague who is asked, to automation.

One step with the epoch and the note for whoever has it next. A colleague who is asked has nothing yet: the owner keeps it until
they accept (lua/conv_bind.lua), and may take the question back.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)
      7 queue, force (a supervisor: into a queue), offer, decline (who was asked, or who asks), back (to automation)
      8 queue or agent that it goes to  9 entry key ('' no note)  10 sealed note  11 may change hands so often
      12 leave the owner out for (ms)  13 back: inbound seen ('' not said)
RETURNS as a command (lua/_conv.lua); refused with moved, hops, not_offered, they_wrote
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
local what, agent = ARGV[7], ARGV[3]
if what == 'force' or what == 'decline' then
  if conv.st == 'resolved' then return refused('resolved', conv) end
  if conv.ep ~= ARGV[4] then return refused('owner_changed', conv) end
  local asked = conv.ofa or ''
  if what == 'decline' and (asked == '' or (agent ~= asked and agent ~= conv.o)) then return refused('not_offered', conv) end
else
  local other = not_theirs(conv, agent, ARGV[4])
  if other then return other end
end
local from = ({queue = 'active waiting parked', force = 'assigned active waiting parked', offer = 'active waiting parked',
  decline = 'active waiting parked', back = 'active'})[what]
if not string.find(' ' .. from .. ' ', ' ' .. conv.st .. ' ', 1, true) then return refused('moved', conv) end
if what == 'back' and ARGV[13] ~= '' and ARGV[13] ~= conv.n then return refused('they_wrote', conv) end
local hops = tonumber(conv.tc or '0')
if (what == 'queue' or what == 'offer') and hops >= tonumber(ARGV[11]) then return refused('hops', conv) end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local ids, owner, stood, changes, kind, entry = ARGV[2] .. ' ' .. conv.c, conv.o, conv.q, {}, '', ''
if ARGV[9] ~= '' then entry = conv_entry(KEYS[2], now, 'note', agent, '', '', ARGV[9], '', 'text', ARGV[10]) end
if what == 'queue' or what == 'force' then
  kind = 'transferred'
  to_queue(conv, changes, now)
  changes.q, changes.tc, changes['x:' .. owner] = ARGV[8], text(hops + 1), text(now + tonumber(ARGV[12]))
elseif what == 'offer' then
  kind, changes.ofa, changes.ofm = 'offered', ARGV[8], text(now)
elseif what == 'decline' then
  kind, changes.ofa, changes.ofm = 'declined', '', ''
else
  kind = 'handed_back'
  changes.st, changes.o, changes.oat, changes.ep = 'automated', '', text(now), text(tonumber(conv.ep) + 1)
  changes.w, changes.qe, changes.rt, changes.ofa, changes.ofm = '', '', '', '', ''
end
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
fact(KEYS[4], now, kind, ids, 'agent=' .. owner .. (ARGV[8] ~= '' and (' to=' .. ARGV[8]) or '')
  .. (agent ~= owner and (' by=' .. agent) or '') .. ' how=' .. what .. stands(conv, stood))
return answer(KEYS[3], ARGV[5], ARGV[6], conv, entry, '')

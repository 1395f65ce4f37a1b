--[[ conv_bind: a conversation becomes live with an agent who has a slot reserved for it: the one way into a live state.

One step, so that of all who would give, take, accept or bring it back one wins. A reservation older than a few seconds is
refused: it may be swept while we look. Run twice it knows its own token. The epoch rises when the owner changes and only then.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo  7 dr:V (list)
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest ('' no command: nothing is kept under ik)  6 keep the answer (ms)
      7 given, taken, returning (waits or is parked: back to its agent), accepted (was offered), over (a supervisor takes it),
        finishing (waits or is parked, and its reason is due)
      8 token  9 reserved at (ms; '' not reserved)  10 why not, where it is not  11 reservation is good for (ms)
      12 decision ('' none)  13 keep decisions (ms)  14 how many of them
      15 entry key ('' no note)  16 sealed note  17 wrap-up lasts (ms)  18 inbound seen ('' not said)
      19 may change hands so often (accepted)
RETURNS as a command (lua/_conv.lua); refused with owner_changed, resolved, moved, late, not_offered, they_wrote, hops, or what stands in 10
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = ARGV[5] ~= '' and answered(KEYS[3], ARGV[5], conv)
if first then return first end
if conv.bt == ARGV[8] then return {'again', conv.rev, conv.ep, '', ''} end
if conv.st == 'resolved' then return refused('resolved', conv) end
local how, agent = ARGV[7], ARGV[3]
-- A supervisor who takes over what is theirs has it as before, and no owner changed.
local theirs = how == 'returning' or how == 'finishing' or (how == 'over' and conv.o == agent)
-- Taking what one has is no change.
if how == 'taken' and conv.o == agent and LIVE[conv.st] then return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '') end
if conv.ep ~= ARGV[4] or (theirs and conv.o ~= agent) then return refused('owner_changed', conv) end
if (how == 'given' or how == 'taken') and conv.o ~= '' then return refused('owner_changed', conv) end
if how == 'accepted' and conv.ofa ~= agent then return refused('not_offered', conv) end
local from = ({given = 'queued', taken = 'queued automated', returning = 'waiting parked', finishing = 'waiting parked',
  accepted = 'active waiting parked', over = 'queued automated assigned active waiting parked'})[how]
if not string.find(' ' .. from .. ' ', ' ' .. conv.st .. ' ', 1, true) then return refused('moved', conv) end
if how == 'accepted' and tonumber(conv.tc or '0') >= tonumber(ARGV[19]) then return refused('hops', conv) end
if how == 'finishing' and ARGV[18] ~= '' and ARGV[18] ~= conv.n then return refused('they_wrote', conv) end
if ARGV[9] == '' then return refused(ARGV[10], conv) end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1]) - tonumber(ARGV[9]) > tonumber(ARGV[11]) then
  return refused('late', conv)
end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local ids, was, passed = ARGV[2] .. ' ' .. conv.c, conv.o, ''
local changes = {bt = ARGV[8], rt = '', pu = '', stk = '', stu = '', ofa = '', ofm = ''}
changes.st = how == 'given' and 'assigned' or 'active'
local entry = ''
if ARGV[15] ~= '' then entry = conv_entry(KEYS[2], now, 'note', agent, '', '', ARGV[15], '', 'text', ARGV[16]) end
if how == 'finishing' then
  changes.st, changes.wu, changes.w = 'wrapup', text(now + tonumber(ARGV[17])), ''
elseif not theirs then
  changes.o, changes.own, changes.oat, changes.ep = agent, agent, text(now), text(tonumber(conv.ep) + 1)
  if was ~= '' then
    changes.tc = text(tonumber(conv.tc or '0') + 1)
    passed = 'agent=' .. was .. ' to=' .. agent .. ' how=' .. how
  end
end
local before = conv.st
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
if passed ~= '' then fact(KEYS[4], now, 'transferred', ids, passed .. stands(conv)) end
if ARGV[12] ~= '' then
  redis.call('LPUSH', KEYS[7], ARGV[12])
  redis.call('LTRIM', KEYS[7], 0, tonumber(ARGV[14]) - 1)
  redis.call('PEXPIRE', KEYS[7], ARGV[13])
end
local wait = waited(conv, now)
local kind = how == 'finishing' and 'wrapup' or theirs and 'returned' or 'assigned'
if before ~= 'active' or not theirs then
  fact(KEYS[4], now, kind, ids, 'agent=' .. agent .. ' how=' .. (how == 'taken' and 'take' or how)
    .. (wait ~= '' and not theirs and (' wait=' .. wait) or '') .. stands(conv))
end
if ARGV[5] == '' then return {'done', conv.rev, conv.ep, '', ''} end
return answer(KEYS[3], ARGV[5], ARGV[6], conv, entry, '')

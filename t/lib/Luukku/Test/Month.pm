package Luukku::Test::Month;

# A simulated month of a desk, and what is true of it. Arrival and handling are drawn like a real
# desk's (weekdays, office hours with peaks, quotas of what goes wrong), played by Luukku::Test::Play
# through the desk's own calls, and counted here while they are drawn: no figure comes from a database.
#
#   my $month = Luukku::Test::Month->new(tickets => 15_000, seed => 1);
#   $month->play->run_on($desk)
#   $month->truth->{'request'}{needed_customer}     counts by type, by "queue type", and of 'all'
#   my @found = $month->compare($desk)              [group, figure, true, reported] each
#   print map { "$_\n" } $month->table(@found)
#
# The month is March 2026, on whose 29th clocks go forward.

use strict;
use warnings;
use utf8;
use JSON::PP ();
use Luukku::Test::Play qw(local_time open_seconds);

# Shares that are put in, in percent of the tickets of a type: 14.5 % of requests and 13.1 % of
# incidents need the customer again, 7.3 % and 23.3 % a supplier; the rest as one likes it.
my %shares = (
	request  => { customer => 14.5, supplier => 7.3, reopened => 4.0, chased => 6.0, consulted => 3.0, thanks => 20.0 },
	incident => { customer => 13.1, supplier => 23.3, reopened => 6.5, chased => 9.0, consulted => 5.0, thanks => 15.0 },
);
my $incidents = 40;       # percent of all
my $misrouted = 25;       # percent of what the payroll rule moved to hr, by hand back to ict
my $payroll = 8;          # percent of requests
my ($begin, $end) = (local_time('2026-03-01 00:00'), local_time('2026-04-01 00:00'));

# Mails an hour of the day: few at night, peaks at nine and one.
my @weights = ((1) x 6, 4, 20, 70, 95, 80, 65, 60, 85, 70, 45, 18, 8, 5, 4, 3, 2, 1, 1);

my @matters = ('näyttö', 'telakka', 'kuulokkeet', 'tunnus', 'lisenssi', 'puhelinliittymä', 'kansio', 'levytila', 'tulostin',
	'kokoushuone', 'etäyhteys', 'käyttöoikeus', 'sähköpostilista', 'kalenteri', 'varmuuskopio', 'hiiri', 'kaapeli');
my @places = map { ('huone', 'osasto', 'työpiste')[$_ % 3] . ' ' . (100 + 7 * $_) } 1 .. 60;

sub new {
	my ($class, %option) = @_;
	my $self = bless { play => Luukku::Test::Play->new, state => $option{seed} // 1, truth => {}, tickets => [],
		n => $option{tickets} // 300 }, $class;
	$self->_plan;
	$self->_count($_) for @{ $self->{tickets} };
	return $self;
}

sub play    { return $_[0]{play} }
sub truth   { return $_[0]{truth} }
sub tickets { return @{ $_[0]{tickets} } }

# The same draws everywhere.
sub _random {
	my ($self, $n) = @_;
	$self->{state} = ($self->{state} * 1103515245 + 12345) % 2147483648;
	return ($self->{state} >> 8) % $n;
}

sub _pick { my ($self, @list) = @_; return $list[$self->_random(scalar @list)] }

# That share of the list, drawn.
sub _draw {
	my ($self, $percent, @list) = @_;
	my $n = int(@list * $percent / 100 + 0.5);
	for my $i (0 .. $n - 1) {
		my $k = $i + $self->_random(@list - $i);
		@list[$i, $k] = @list[$k, $i];
	}
	return @list[0 .. $n - 1];
}

sub _arrivals {
	my ($self) = @_;
	my @hours;
	for (my $day = $begin; $day < $end; $day = local_time(_date($day + 30 * 3600) . ' 00:00')) {
		my $weekday = (gmtime $day + 12 * 3600)[6];
		my $factor = (4, 115, 105, 100, 98, 82, 6)[$weekday];
		push @hours, map { [$day + 3600 * $_, $weights[$_] * $factor] } 0 .. 23;
	}
	my $sum = 0;
	$sum += $_->[1] for @hours;
	my @at;
	while (@at < $self->{n}) {
		my $draw = $self->_random($sum);
		for my $hour (@hours) {
			$draw -= $hour->[1];
			next if $draw >= 0;
			my $at = $hour->[0] + $self->_random(3600);
			push @at, $at if $at >= $begin && $at < $end;
			last;
		}
	}
	return sort { $a <=> $b } @at;
}

sub _date { my (undef, undef, undef, $d, $m, $y) = gmtime $_[0]; return sprintf '%d-%02d-%02d', $y + 1900, $m + 1, $d }

# That much open time later: agents work in office hours, and answer on the minute.
sub _later {
	my ($at, $seconds) = @_;
	my $high = $at + $seconds;
	$high += 3600 while open_seconds($at, $high) < $seconds;
	my $low = $high - 3600 > $at ? $high - 3600 : $at;
	while ($high - $low > 1) {
		my $middle = int(($low + $high) / 2);
		if (open_seconds($at, $middle) < $seconds) { $low = $middle } else { $high = $middle }
	}
	return $high;
}

# Short mostly, long now and then.
sub _span {
	my ($self, $typical) = @_;
	my $span = $typical * (1 + $self->_random(100)) / 50;
	$span *= 3 if $self->_random(10) == 0;
	return 60 + int $span;
}

sub _plan {
	my ($self) = @_;
	my @at = $self->_arrivals;
	my @tickets = map { { label => "t$_", at => $at[$_], queue => $self->_random(5) == 0 ? 'hr' : 'ict', type => 'request' } } 0 .. $#at;
	$_->{type} = 'incident' for $self->_draw($incidents, @tickets);
	for my $type (sort keys %shares) {
		my @of_type = grep { $_->{type} eq $type } @tickets;
		for my $what (sort keys %{ $shares{$type} }) {
			$_->{$what} = 1 for $self->_draw($shares{$type}{$what}, @of_type);
		}
	}
	my @by_rule = $self->_draw($payroll, grep { $_->{type} eq 'request' && $_->{queue} eq 'ict' } @tickets);
	$_->{rule} = 'payroll' for @by_rule;
	$_->{queue} = 'hr' for @by_rule;
	for my $ticket ($self->_draw($misrouted, @by_rule)) {
		$ticket->{moved} = 1;
		$ticket->{queue} = 'ict';
	}
	$_->{high} = 1 for $self->_draw(20, grep { $_->{type} eq 'incident' } @tickets);
	$self->_handle($_) for @tickets;
	$self->{tickets} = \@tickets;
	$self->_noise;
	for (my $at = $begin + 7 * 3600; $at < $end + 40 * 86400; $at += 86400) {
		$self->{play}->at($at, 'sched', '-');
	}
	return;
}

# What counts apart: alarms, junk, and doubles that are merged.
sub _noise {
	my ($self) = @_;
	my @some = $self->_draw(2, grep { !$_->{moved} && $_->{queue} eq 'ict' && $_->{done} > $_->{at} + 3600 } @{ $self->{tickets} });
	my $play = $self->{play};
	my $n = 0;
	for my $ticket (@some) {
		my ($label, $at) = ('x' . ++$n, $ticket->{at} + 600);
		next if $at >= $end;
		my $kind = ('machine', 'junk', 'merged')[$n % 3];
		$play->at($at, $kind eq 'machine' ? 'machine' : 'open', $label, 'ict@example.fi', "melu$n\@kund.example", 'Melu',
			$kind eq 'machine' ? "ALARM $n" : "Melua $n " . $self->_pick(@matters), "Hei,\n\nasia $n.\n");
		$play->at($at + 60, 'agent', $label, 'aino@example.fi', '#spam') if $kind eq 'junk';
		if ($kind eq 'merged') {
			# It is something done with the other ticket, too.
			$play->at($at + 60, 'agent', $label, 'aino@example.fi', "#merge \@$ticket->{label}");
			$ticket->{action} = $at + 60 if $ticket->{action} > $at + 60;
		}
		$self->{truth}{$_}{$kind}++ for 'all';
	}
	return;
}

sub _agent {
	my ($self, $ticket, $at, $text, %option) = @_;
	$self->{play}->at($at, 'agent', $ticket->{label}, $option{who} // $ticket->{agent}, $text);
	$ticket->{action} //= $at;
	$ticket->{reply} //= $at if $option{answers};
	return;
}

sub _customer {
	my ($self, $ticket, $at, $text) = @_;
	$self->{play}->at($at, 'customer', $ticket->{label}, $ticket->{from}, $text);
	return;
}

# One ticket's way from its mail to the end; what it comes to stands in the ticket.
sub _handle {
	my ($self, $ticket) = @_;
	my $play = $self->{play};
	my $number = substr $ticket->{label}, 1;
	my $what = $self->_pick(@matters) . ' ' . $self->_pick(@places);
	my $subject = $ticket->{rule} ? "Palkkalaskelma $what" : $ticket->{high} ? "Häiriö $what"
		: $ticket->{type} eq 'incident' ? "Vika: $what" : "Pyyntö: $what";
	my $to = $ticket->{rule} ? 'ict' : $ticket->{queue};
	$ticket->{from} = "asiakas$number\@" . ($self->_random(4) == 0 ? 'sairaala.example' : 'kund.example');
	$ticket->{agent} = $ticket->{queue} eq 'hr' ? 'bo@example.fi' : $self->_pick('aino@example.fi', 'cecilia@example.fi');
	$play->at($ticket->{at}, 'open', $ticket->{label}, "$to\@example.fi", $ticket->{from}, "Asiakas $number", $subject,
		"Hei,\n\n$what vaatisi huomiota, numero on $number.\n\nTerveisin\nAsiakas $number\n");
	my $at = _later($ticket->{at}, $self->_span(2400));
	if ($ticket->{moved}) {
		$self->_agent($ticket, $at, '#queue ict', who => 'bo@example.fi');
		$at = _later($at, $self->_span(1800));
	}
	if ($self->_random(3)) {
		$self->_agent($ticket, $at, '#take');
		$at = _later($at, $self->_span(1800));
	}
	$ticket->{waited} = 0;
	$at = $self->_consult($ticket, $at) if $ticket->{consulted};
	$at = $self->_ask_customer($ticket, $at) if $ticket->{customer};
	$at = $self->_ask_supplier($ticket, $at) if $ticket->{supplier};
	$at = $self->_chase($ticket, $at) if $ticket->{chased};
	$self->_resolve($ticket, $at);
	return;
}

sub _consult {
	my ($self, $ticket, $at) = @_;
	my $whom = $ticket->{agent} eq 'bo@example.fi' ? 'aino@example.fi' : 'bo@example.fi';
	my $answered = _later($at, $self->_span(5400));
	$self->_agent($ticket, $at, "Tiedätkö tästä jotakin?\n\n#ask $whom");
	$self->{play}->at($answered, 'consulted', $ticket->{label}, $whom, 'Tiedän: laite vaihdettiin viime viikolla.');
	return _later($answered, $self->_span(900));
}

# Half of the questions make the ticket wait, half are plain answers.
sub _ask_customer {
	my ($self, $ticket, $at) = @_;
	my $answered = _later($at, $self->_span(14_400)) + 60 * $self->_random(300);
	my $waits = $self->_random(2);
	$self->_agent($ticket, $at, "Mikä laitteen numero on?" . ($waits ? "\n\n#wait customer" : ''), answers => 1);
	$self->_customer($ticket, $answered, 'Numero on PC' . (10_000 + $self->_random(9000)) . ' ja se on ' . $self->_pick(@places) . '.');
	$ticket->{waited} += open_seconds($at, $answered) if $waits;
	return _later($answered, $self->_span(1800));
}

# Now and then the supplier writes twice in a row, or is asked again.
sub _ask_supplier {
	my ($self, $ticket, $at) = @_;
	my ($name, $address) = @{ $self->_pick(['valo', 'tuki@valo.example'], ['kaapeli', 'apu@kaapeli.example']) };
	for my $round (0 .. ($self->_random(8) == 0)) {
		my $answered = _later($at, $self->_span(28_800));
		$self->_agent($ticket, $at, "Voitteko tarkistaa laitteen?\n\n#supplier $name\n#wait supplier");
		$self->{play}->at($answered, 'supplier', $ticket->{label}, $address, 'Tarkistimme laitteen, varaosa on matkalla.');
		push @{ $ticket->{supplier_answers} }, [$name, open_seconds($at, $answered)];
		$at = _later($answered, $self->_span(1800));
		next if $self->_random(6);
		$self->{play}->at($answered + 300, 'supplier', $ticket->{label}, $address, 'Varaosa tulee vasta illaksi.') if $answered + 300 < $at;
	}
	return $at;
}

sub _chase {
	my ($self, $ticket, $at) = @_;
	$self->_agent($ticket, $at, 'Selvitämme asiaa, palaamme pian.', answers => 1) if $self->_random(2);
	my $asked = _later($at, $self->_span(14_400));
	$self->_customer($ticket, $asked, 'Onko asia edennyt?');
	return _later($asked, $self->_span(1800));
}

sub _resolve {
	my ($self, $ticket, $at) = @_;
	$ticket->{answers} = 0;
	$self->_agent($ticket, $at, "Asia on hoidettu, kiitos yhteydenotosta.\n\n#resolve", answers => 1);
	$ticket->{resolved} = $at;
	$ticket->{worked} = open_seconds($ticket->{at}, $at) - $ticket->{waited};
	if ($ticket->{reopened}) {
		my $again = _later($at, $self->_span(7200));
		my $done = _later($again, $self->_span(7200));
		$self->_customer($ticket, $again, 'Ei valitettavasti toimi vieläkään, sama virhe näkyy edelleen.');
		$self->_agent($ticket, $done, "Nyt vika on korjattu.\n\n#resolve");
		$ticket->{first_resolved} = $at;
		$ticket->{again} = $again;
		$ticket->{resolved} = $done;
		$ticket->{worked} += open_seconds($again, $done);
	} elsif ($ticket->{thanks}) {
		$self->_customer($ticket, $at + 1200, 'Kiitos!');
	}
	$ticket->{done} = $ticket->{resolved};
	return;
}

# Resolved by the first answer: nothing else happened that the customer saw.
sub _is_first_contact {
	my ($ticket) = @_;
	return 0 if grep { $ticket->{$_} } qw(customer supplier moved reopened);
	return $ticket->{reply} == $ticket->{resolved};
}

sub _count {
	my ($self, $ticket) = @_;
	for my $group ('all', $ticket->{type}, "$ticket->{queue} $ticket->{type}") {
		my $sum = $self->{truth}{$group} //= {};
		$sum->{received}++;
		$sum->{"needed_$_"} += $ticket->{$_} ? 1 : 0 for qw(customer supplier);
		$sum->{$_} += $ticket->{$_} ? 1 : 0 for qw(reopened chased moved consulted);
		push @{ $sum->{first_action} }, open_seconds($ticket->{at}, $ticket->{action});
		push @{ $sum->{first_reply} }, open_seconds($ticket->{at}, $ticket->{reply});
		my $target = ($ticket->{high} ? 2 : 8) * 3600;
		$sum->{first_reply_in_target} += $sum->{first_reply}[-1] <= $target ? 1 : 0;
		$sum->{open}++ if $ticket->{resolved} >= $end
			&& !($ticket->{reopened} && $ticket->{first_resolved} < $end && $ticket->{again} >= $end);
		next if $ticket->{resolved} >= $end;
		$sum->{resolved}++;
		$sum->{first_time_right} += $ticket->{reopened} ? 0 : 1;
		$sum->{first_contact} += _is_first_contact($ticket) ? 1 : 0;
		$sum->{resolution_in_target} += $ticket->{worked} <= 4 * $target + ($ticket->{high} ? 0 : 8 * 3600) ? 1 : 0;
		push @{ $sum->{resolution} }, $ticket->{worked};
	}
	push @{ $self->{truth}{supplier}{ $_->[0] } }, $_->[1] for @{ $ticket->{supplier_answers} // [] };
	return;
}

# What luukkuctl report says, beside what is true: [group, figure, true, reported] each.
sub compare {
	my ($self, $desk) = @_;
	my @month = ('--from', '2026-03-01', '--to', '2026-03-31', '--json');
	my @found;
	my $read = sub {
		my $done = $desk->ctl('report', @_, @month);
		die "report @_: $done->{err}\n" if $done->{status} != 0;
		return @{ JSON::PP->new->utf8->decode($done->{out}) };
	};
	my %reported = (
		(map { ("$_->{queue} $_->{group_value}" => $_) } $read->('queues', '--by', 'type')),
		(map { ($_->{group_value} => $_) } $read->('queues', '--total', '--by', 'type')),
		(map { (all => $_) } $read->('queues', '--total')));
	for my $group (sort keys %reported) {
		my $true = $self->{truth}{$group} // {};
		my $got = $reported{$group};
		push @found, map { [$group, $_, $true->{$_} // 0, $got->{$_}] } qw(received resolved open needed_customer needed_supplier
			reopened first_time_right first_contact chased moved consulted first_reply_in_target resolution_in_target);
		for my $what (qw(first_action first_reply resolution)) {
			push @found, [$group, "${what}_median", percentile(0.5, @{ $true->{$what} }), $got->{"${what}_median"}],
				[$group, "${what}_p90", percentile(0.9, @{ $true->{$what} }), $got->{"${what}_p90"}];
		}
	}
	push @found, map { ['all', $_, $self->{truth}{all}{$_} // 0, $reported{all}{$_}] } qw(machine junk merged);
	for my $row ($read->('suppliers')) {
		my @true = @{ $self->{truth}{supplier}{ $row->{supplier} } };
		push @found, [$row->{supplier}, 'answered', scalar @true, $row->{answered}],
			[$row->{supplier}, 'answer_median', percentile(0.5, @true), $row->{answer_median}];
	}
	return @found;
}

# The comparison as a table of lines, the shares that were put in with it.
sub table {
	my ($self, @found) = @_;
	my @lines = sprintf '%-14s %-22s %12s %12s', qw(group figure put-in reported);
	for my $one (@found) {
		my ($group, $figure, $true, $got) = map { $_ // '-' } @$one;
		my $all = $self->{truth}{$group}{received};
		my $share = $figure =~ /^needed/ && $all ? sprintf '  %.1f %%', 100 * $got / $all : '';
		push @lines, sprintf('%-14s %-22s %12s %12s', $group, $figure, $true, $got) . $share . ($true eq $got ? '' : '  WRONG');
	}
	return @lines;
}

# As percentile_cont: between two values in proportion.
sub percentile {
	my ($share, @values) = @_;
	return undef if !@values;
	@values = sort { $a <=> $b } @values;
	my $at = $share * $#values;
	my $low = int $at;
	my $high = $low < $#values ? $low + 1 : $low;
	return int($values[$low] + ($at - $low) * ($values[$high] - $values[$low]) + 0.5);
}

1;

package Luukku::Test::Leaks;

# What the desk sent, searched for what belongs inside. Every test that uses Luukku::Test::Desk or
# Luukku::Test::Intake has this as its last test, without asking for it: whatever is tested, nobody
# outside the team may get
#
#   - an agent's or supplier's address, or that of somebody who was asked,
#   - words of a note, a supplier or somebody who was asked,
#   - a header that is for the team, or words of a template that is for the team,
#   - a reply address or action link that another recipient got, too,
#   - a mail together with others;
#
# and no agent a survey's score or comment.

use strict;
use warnings;
use Encode ();
use Luukku::Test::Base ();
use Luukku::Test::Mail qw(header parts);
use Test2::API ();
use Test::Builder ();
use Test::More ();

# Their templates are for people outside; every other one is for the team.
my %outside = map { $_ => 1 } qw(acknowledgement urgent ending closed-unanswered consult customer-reminder forward joined
	progress reply resolution signature standing status-list still-working supplier supplier-reminder
	transfer waiting);

# Addresses in every list of one of these names (a pattern), wherever it stands in a configuration.
sub addresses_in {
	my ($conf, $names) = @_;
	my @lists;
	push @lists, $1 while $conf =~ /(?<![\w.])(?:$names)\s*[:=]\s*(\((?:[^()"]|"[^"]*"|(?1))*\))/g;
	return map { lc } map { /"([^"\s]+@[^"\s]+)"/g } @lists;
}

# Lines that only notes, suppliers and those who were asked wrote, long enough to be nobody else's.
sub inside_words {
	my ($db) = @_;
	my %seen;
	for my $row ($db->sql("SELECT direction, coalesce(reply_text, text, '') FROM message")) {
		my ($direction, $words) = @$row;
		$words = Encode::decode('UTF-8', $words) if !utf8::is_utf8($words);
		for my $line (split /\R/, $words) {
			$line =~ s/^[\s>#]+|\s+$//g;
			next if length $line < 12;
			$seen{$line} .= $direction eq 'note' ? 'i' : 'o';
		}
	}
	return grep { $seen{$_} !~ /o/ } keys %seen;
}

# The fixed words of the templates for the team that no other template has: { words => name }.
my $template_words;

sub template_words {
	return $template_words if $template_words;
	my (%inside, $other);
	for my $path (glob Luukku::Test::Base::source_dir() . '/conf/templates/*/*.txt') {
		my ($name) = $path =~ m{([^/]+)\.txt$};
		my $text = Encode::decode('UTF-8', Luukku::Test::Base::slurp($path));
		my $is_outside = $outside{$name} || $name =~ /^survey/;
		# As they stand once the tags are filled in: "odottaa {{#supplier}}toimittajaa".
		$other .= $text . ($text =~ s/\{\{[^}]*\}\}//gr) if $is_outside;
		for my $words ($is_outside ? () : split /\{\{[^}]*\}\}|\n/, $text) {
			$words =~ s/^[\s().,:;<>-]+|[\s().,:;<>-]+$//g;
			$inside{$words} = $name if length $words >= 18;
		}
	}
	delete @inside{ grep { index(lc $other, lc $_) >= 0 } keys %inside };
	die "too few words of the team's templates were found\n" if keys %inside < 30;
	return $template_words = \%inside;
}

# Scores and comments of surveys: lines that no agent may read, with who may.
sub survey_words {
	my ($db) = @_;
	my @columns = map { $_->[0] } $db->sql("SELECT column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name = 'survey'");
	my %has = map { $_ => 1 } @columns;
	return if !$has{ticket_id} || !$has{score};
	my $comment = $has{comment} ? 'comment' : 'NULL';
	my @found;
	for my $row ($db->sql("SELECT ticket_id, score, $comment FROM survey WHERE score IS NOT NULL OR $comment IS NOT NULL")) {
		my ($ticket, $score, $words) = @$row;
		my @lines = grep { length >= 8 } map { s/^\s+|\s+$//gr } split /\R/, Encode::decode('UTF-8', $words // '');
		push @found, { ticket => $ticket, score => $score, lines => \@lines };
	}
	return @found;
}

sub find_survey {
	my ($to, $all, $survey) = @_;
	my @found;
	for my $one (@$survey) {
		# From five answers on a queue's comments may be read, without whose they are (desk.md 17).
		push @found, map { "agent $to got the survey comment \"$_\"" } grep { index($all, $_) >= 0 } @{ $one->{lines} }
			if @$survey < 5 || $all =~ /\b[A-Z]+-$one->{ticket}\b/;
		next if !defined $one->{score} || $one->{score} eq '' || $all !~ /\b[A-Z]+-$one->{ticket}\b/;
		push @found, "agent $to got the score of ticket $one->{ticket}"
			if $all =~ m{\b$one->{score}\s*/\s*10\b|\b(?:score|arvosana|pisteet|betyg|poäng)\W{1,3}$one->{score}\b}i;
	}
	return @found;
}

# mails => [{ rcpt, data }], db, conf => TEXT, inside => [more addresses of the team], survey => [as of
# survey_words].
# Gives { n => mails to people outside, found => [TEXT, ..] }.
sub find {
	my (%option) = @_;
	my ($db, $conf) = @option{qw(db conf)};
	my %agents = map { $_ => 1 } addresses_in($conf, 'agents');
	my %inside = map { lc $_ => 1 } keys %agents, addresses_in($conf, 'suppliers'),
		addresses_in($conf, 'admins|incident_managers'), @{ $option{inside} // [] };
	$inside{ lc $_->[0] } = 1 for $db->sql('SELECT DISTINCT address FROM consultation');
	my %manages = map { $_ => 1 } addresses_in($conf, 'managers|incident_managers');
	my @survey = @{ $option{survey} // [survey_words($db)] };
	my @words = inside_words($db);
	my $template = template_words();
	my $phrases = join '|', map { quotemeta } sort { length $b <=> length $a } keys %$template;
	my %token_to;
	my @mails;
	for my $mail (@{ $option{mails} }) {
		my $to = lc $mail->{rcpt}[0];
		my $all = join "\n", $mail->{data}, map { $_->{head} . "\n" . $_->{text} } parts($mail->{data});
		$token_to{ lc $1 }{$to} = 1 while $all =~ /\+([a-z2-7]{36})@/gi;
		push @mails, { to => $to, all => $all, mail => $mail };
	}
	my ($n, @found) = (0);
	for my $one (@mails) {
		my ($to, $all, $mail) = @{$one}{qw(to all mail)};
		push @found, find_survey($to, $all, \@survey) if $agents{$to} && !$manages{$to};
		next if $inside{$to};
		$n++;
		# A token may end like somebody's name: "ict+...bo@example.fi".
		push @found, "$to got the address $_" for grep { $all =~ /(?<![\w.+-])\Q$_\E/i } keys %inside;
		push @found, "$to got a header $1" if $mail->{data} =~ /^(X-Luukku[^:\r\n]*|List-Id):/mi;
		push @found, "$to got the words \"$_\"" for grep { index($all, $_) >= 0 } @words;
		push @found, "$to got \"$1\" of the template $template->{$1}" while $all =~ /($phrases)/g;
		while ($all =~ /\+([a-z2-7]{36})@/gi) {
			my @others = grep { $_ ne $to } sort keys %{ $token_to{ lc $1 } };
			push @found, "$to got the reply address of @others" if @others;
		}
		push @found, "several people have one mail: @{ $mail->{rcpt} }" if @{ $mail->{rcpt} } > 1;
	}
	my %once;
	return { n => $n, found => [grep { !$once{$_}++ } @found] };
}

# --- the test at the end -----------------------------------------------------------------------------

my @watched;
my $pid = $$;

# The desk is looked at when the program ends.
sub watch {
	my ($desk) = @_;
	push @watched, $desk;
	return;
}

sub remember {
	my ($desk, $found) = @_;
	my $leaks = $desk->{leaks} //= { n => 0, found => [], most => 0 };
	my %known = map { $_ => 1 } @{ $leaks->{found} };
	push @{ $leaks->{found} }, grep { !$known{$_} } @{ $found->{found} };
	$leaks->{n} += $found->{n};
	return;
}

# One test of what was found so far.
sub report {
	my ($desk) = @_;
	my $leaks = delete $desk->{leaks} // { n => 0, found => [] };
	my @found = @{ $leaks->{found} };
	for my $expected (@{ $desk->{expected_leaks} // [] }) {
		my @left = grep { $_ !~ $expected->{pattern} } @found;
		$expected->{was_found} ||= @left < @found;
		@found = @left;
	}
	my $good = Test::More::is(scalar @found, 0, "nothing of the inside in the $leaks->{n} mails to people outside");
	Test::More::diag(Encode::encode('UTF-8', $_)) for @found[0 .. ($#found < 20 ? $#found : 20)];
	return $good;
}

sub report_all {
	for my $desk (splice @watched) {
		if (!eval { $desk->look_for_leaks; 1 }) {
			my $why = $@;
			Test::More::fail("what went out was searched for what belongs inside");
			Test::More::diag("it cannot be: $why");
			next;
		}
		report($desk);
		Test::More::ok($_->{was_found}, "as expected: $_->{why}") for @{ $desk->{expected_leaks} // [] };
	}
	return;
}

{
	my $done_testing = \&Test::Builder::done_testing;
	no warnings 'redefine';
	*Test::Builder::done_testing = sub {
		report_all() if $$ == $pid && !Test2::API::test2_stack()->top->nested;
		goto &$done_testing;
	};
}

1;
